"""Returns memory to the operating system."""

import contextlib
import ctypes
import gc


def return_freed_memory() -> None:
    """Frees unused objects in cycles of references, such as a graph, and returns the memory."""
    gc.collect()
    trim_memory()


def trim_memory() -> None:
    """Returns freed memory to the operating system.

    glibc keeps what was freed for the threads that took it, so a server would grow with each
    version and with each new length of text.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)
