"""Binds the server's ports, or raises an error with the reason."""

import socket


class StartError(Exception):
    """The server cannot start; the message gives the reason and a remedy."""


def address(host: str, port: int) -> str:
    """Joins host and port as in URLs and gRPC: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bind(host: str, port: int, option: str) -> socket.socket:
    """Binds a port, without listening yet.

    Args:
      host: a name or an address of this machine.
      port: 0 takes any free one.
      option: the command line option named in the error message.

    Raises:
      StartError: the port is in use, or the host is not this machine.
    """
    try:
        family, kind, number, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind, number)
    except OSError as error:
        raise StartError(
            f"{host!r} is not an address of this machine: give another --host."
        ) from error
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(place)
    except OSError as error:
        taken.close()
        raise StartError(
            f"{address(host, port)} cannot be taken ({error.strerror}): give another {option}."
        ) from error
    return taken


def check_free(host: str, port: int, option: str) -> None:
    """Checks if a port is free. gRPC binds its port itself and gives no reason if it fails.

    Raises:
      StartError: as `bind`.
    """
    bind(host, port, option).close()
