"""Keeps the memory of a long-running process small, with glibc's own means."""

import contextlib
import ctypes
import gc

_M_ARENA_MAX = -8
"""From glibc's malloc.h."""
_ARENAS = 2


def share_memory_between_threads() -> None:
    """Lets all threads allocate from a few arenas; must be called before other threads start.

    By default glibc has eight arenas for each processor, and each keeps what was freed in it. So a
    server with many threads would grow with each version and with each mixture of requests.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def return_freed_memory() -> None:
    """Returns freed memory to the operating system, also that of graphs in cycles of references."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)
