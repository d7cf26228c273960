"""Lists the kernels of TensorFlow's shared library, as linked into a model server.

`python serving/export/tensorflow_library.py FOLDER` writes the kernels of the library in a folder
to standard output, as the bytes of a `KernelList`. It imports none of our modules and runs as a
separate process. A process with Python's TensorFlow has additional kernels, from Python functions
and from other packages.
"""

import ctypes
import os
import sys

_FRAMEWORK = "libtensorflow_framework.so.2"
_CORE = "libtensorflow_cc.so.2"
"""The library with the C interface and all kernels; it needs the framework."""


class Buffer(ctypes.Structure):
    """`TF_Buffer`: bytes owned by the library."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("length", ctypes.c_size_t),
        ("deallocator", ctypes.c_void_p),
    ]

    def read(self) -> bytes:
        """Returns a copy of the bytes."""
        return ctypes.string_at(self.data, self.length) if self.data else b""


def load_library(folder: str) -> ctypes.CDLL:
    """Loads TensorFlow's library with its C interface.

    Args:
      folder: the folder of the installed package `tensorflow`.

    Raises:
      OSError: the library is missing, or does not load on this machine.
    """
    ctypes.CDLL(os.path.join(folder, _FRAMEWORK), ctypes.RTLD_GLOBAL)
    return ctypes.CDLL(os.path.join(folder, _CORE), ctypes.RTLD_GLOBAL)


def read_kernels(library: ctypes.CDLL) -> bytes:
    """Returns the registered kernels as a serialized `KernelList`."""
    library.TF_NewStatus.restype = ctypes.c_void_p
    library.TF_GetAllRegisteredKernels.argtypes = [ctypes.c_void_p]
    library.TF_GetAllRegisteredKernels.restype = ctypes.POINTER(Buffer)
    return library.TF_GetAllRegisteredKernels(library.TF_NewStatus()).contents.read()


if __name__ == "__main__":
    sys.stdout.buffer.write(read_kernels(load_library(sys.argv[1])))
