"""Keeps a server that loads version after version from growing.

glibc's allocator is meant; with another one, nothing is done.
"""

import contextlib
import ctypes
import gc

_MMAP_THRESHOLD = -3
"""`M_MMAP_THRESHOLD` of malloc.h."""
_LARGE_BLOCK = 1 << 20


def return_freed_memory() -> None:
    """Returns freed memory to the operating system.

    A graph is in cycles of references. And glibc keeps what was freed for the threads that took it,
    so a server that loads version after version would grow.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def keep_large_blocks_apart() -> None:
    """Lets every block of a mebibyte and more have pages of its own, from now on.

    They go back to the system as soon as they are freed. Without this, glibc raises the limit to
    the largest block ever freed, up to 32 MiB. Then weights lie among the tensors of requests, and
    a version that is gone leaves holes too small for the next one.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BLOCK)
