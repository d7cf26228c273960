"""Measures this process's memory, and returns what is free to the operating system."""

import contextlib
import ctypes
import gc


class _AllocatorState(ctypes.Structure):
    """`struct mallinfo2` of glibc 2.33 and later."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def memory_in_use() -> int | None:
    """Returns the bytes that this process holds; None without glibc 2.33 or later.

    Resident memory has freed pieces between them, too. It grows from version to version towards
    what the heap has once taken, as fewer pages are free as a whole. A leak grows here.
    """
    try:
        measure = ctypes.CDLL(None).mallinfo2
    except (OSError, AttributeError):
        return None
    measure.restype = _AllocatorState
    state = measure()
    return int(state.uordblks + state.hblkhd)  # in the heaps, and with pages of their own


def return_freed_memory() -> None:
    """Returns freed memory to the operating system.

    A graph is in cycles of references. And glibc keeps what was freed for the threads that took it,
    so a server that loads version after version would grow.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)
