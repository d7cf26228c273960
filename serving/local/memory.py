"""Measures this process's memory, reserves it, and returns what is free to the system."""

import contextlib
import ctypes
import gc
import mmap

from serving.local.tensorflow_library import tensorflow_library

_UINT8 = 4
"""The number of the type in `tf_datatype.h`."""


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
    what the heap has once taken, as fewer pages are free as a whole. A leak grows here. What is
    reserved for tensors counts from the start.
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


def reserve_for_tensors(size: int) -> None:
    """Makes TensorFlow's allocator take the address space of its tensors at once.

    With oneDNN the allocator never returns memory, and doubles what it takes (128 MiB, 256 MiB and
    so on) whenever a tensor finds no room between others. In a server, weights of new versions and
    batches of any size come and go, so that it does grow. One piece of sufficient size stays whole.
    Pages that no tensor has used take no memory; the list of pieces takes a 32nd of the size.

    Args:
      size: in bytes. Without so much address space nothing is reserved.
    """
    try:
        mmap.mmap(-1, size).close()
    except OSError:  # TensorFlow would wait ten seconds for it
        return
    library = tensorflow_library()
    library.TF_DeleteTensor(library.TF_AllocateTensor(_UINT8, (ctypes.c_int64 * 1)(size), 1, size))
