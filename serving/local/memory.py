"""Returns memory to the operating system."""

import contextlib
import ctypes
import gc


def return_freed_memory() -> None:
    """Returns freed memory to the operating system.

    A graph is in cycles of references. And glibc keeps what was freed for the threads that took it,
    so a server that loads version after version would grow.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)
