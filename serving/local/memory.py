"""Keeps the memory of a process that runs for weeks within its bounds."""

import contextlib
import ctypes
import gc

_M_ARENA_MAX = -8
"""The number of the parameter in glibc's `mallopt`."""


def share_memory_between_threads(pools: int) -> None:
    """Limits the pools that glibc takes memory from, before the threads of a server start.

    Each thread prefers a pool of its own, eight for each processor, and each pool keeps the most
    that its threads ever had at once. So a server with dozens of threads grows for hours.

    Args:
      pools: the largest number; as many threads take memory at the same time without waiting.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, pools)


def return_freed_memory() -> None:
    """Returns freed memory to the operating system.

    A graph is in cycles of references. And glibc keeps what was freed for the threads that took it,
    so a server that loads version after version would grow.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)
