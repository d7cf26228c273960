"""Divides the file descriptors of the process among its connections and its files."""

import resource

_RESERVE = 384
"""For files, libraries and threads of the model (about 100), and for the 128 connections that
asyncio accepts at once before it counts them."""


def connections_for(servers: int, most: int) -> int:
    """Raises the limit of open files if necessary, and returns the connections of each server.

    Args:
      servers: how many servers share the process.
      most: the wanted number of connections of each.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = servers * most + _RESERVE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return most
    return max(1, min(most, (soft - _RESERVE) // servers))
