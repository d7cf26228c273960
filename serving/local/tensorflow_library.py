"""TensorFlow's shared library with its C interface, without TensorFlow's Python modules.

Importing the package `tensorflow` takes five seconds of processor time, this half a second. If it
is imported too, before or after, the process has one library for both.

The declarations are from the package's headers: `tensorflow/c/c_api.h`, `tf_buffer.h`,
`tf_status.h`, `tf_tensor.h` and `tf_tstring.h`.

`python serving/local/tensorflow_library.py FOLDER` writes the kernels of the library in a folder
to standard output, as the bytes of a `KernelList`, as linked into a model server. It imports none
of our modules and runs as a separate process. A process with Python's TensorFlow has additional
kernels, from Python functions and from other packages.
"""

import contextlib
import ctypes
import functools
import importlib.util
import os
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p
from typing import Any

_QUIET_SETTINGS: Mapping[str, str] = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GRPC_VERBOSITY": "ERROR",
    # Leaves GPU memory for a model server on the same machine.
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}
"""Environment variables read by the library when it is loaded, or when a session starts."""

_LIBRARY = "libtensorflow_cc.so.2"
"""The library with the C interface and all kernels; it loads the framework beside it."""


class Buffer(ctypes.Structure):
    """`TF_Buffer`: bytes owned by the library."""

    _fields_ = (("data", c_void_p), ("length", c_size_t), ("deallocator", c_void_p))

    def read(self) -> bytes:
        """Returns a copy of the bytes."""
        return ctypes.string_at(self.data, self.length) if self.data else b""


class Output(ctypes.Structure):
    """`TF_Output`: one result of an operation of a graph."""

    _fields_ = (("operation", c_void_p), ("index", c_int))


_FUNCTIONS: Mapping[str, tuple[Any, Sequence[Any]]] = {
    "TF_Version": (c_char_p, []),
    "TF_GetAllRegisteredKernels": (POINTER(Buffer), [c_void_p]),
    "TF_NewBufferFromString": (POINTER(Buffer), [c_char_p, c_size_t]),
    "TF_DeleteBuffer": (None, [POINTER(Buffer)]),
    "TF_NewStatus": (c_void_p, []),
    "TF_DeleteStatus": (None, [c_void_p]),
    "TF_GetCode": (c_int, [c_void_p]),
    "TF_Message": (c_char_p, [c_void_p]),
    "TF_NewGraph": (c_void_p, []),
    "TF_DeleteGraph": (None, [c_void_p]),
    "TF_NewImportGraphDefOptions": (c_void_p, []),
    "TF_DeleteImportGraphDefOptions": (None, [c_void_p]),
    "TF_GraphImportGraphDef": (None, [c_void_p, POINTER(Buffer), c_void_p, c_void_p]),
    "TF_GraphOperationByName": (c_void_p, [c_void_p, c_char_p]),
    "TF_OperationNumOutputs": (c_int, [c_void_p]),
    "TF_NewSessionOptions": (c_void_p, []),
    "TF_DeleteSessionOptions": (None, [c_void_p]),
    "TF_SetConfig": (None, [c_void_p, c_char_p, c_size_t, c_void_p]),
    "TF_NewSession": (c_void_p, [c_void_p, c_void_p, c_void_p]),
    "TF_CloseSession": (None, [c_void_p, c_void_p]),
    "TF_DeleteSession": (None, [c_void_p, c_void_p]),
    "TF_SessionRun": (
        None,
        [
            *(c_void_p, c_void_p),  # session, options of the run
            *(POINTER(Output), POINTER(c_void_p), c_int),  # inputs
            *(POINTER(Output), POINTER(c_void_p), c_int),  # outputs
            *(POINTER(c_void_p), c_int),  # further operations
            *(c_void_p, c_void_p),  # description of the run, status
        ],
    ),
    "TF_AllocateTensor": (c_void_p, [c_int, POINTER(c_int64), c_int, c_size_t]),
    "TF_DeleteTensor": (None, [c_void_p]),
    "TF_TensorType": (c_int, [c_void_p]),
    "TF_NumDims": (c_int, [c_void_p]),
    "TF_Dim": (c_int64, [c_void_p, c_int]),
    "TF_TensorData": (c_void_p, [c_void_p]),
    "TF_StringInit": (None, [c_void_p]),
    "TF_StringCopy": (None, [c_void_p, c_char_p, c_size_t]),
    "TF_StringGetDataPointer": (c_void_p, [c_void_p]),
    "TF_StringGetSize": (c_size_t, [c_void_p]),
    "TF_StringDealloc": (None, [c_void_p]),
}
"""The result and the arguments of each function."""


def package_folder() -> str:
    """Returns the folder of the installed package `tensorflow`, without importing it.

    Raises:
      ModuleNotFoundError: it is not installed.
    """
    found = importlib.util.find_spec("tensorflow")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")
    return found.submodule_search_locations[0]


def load_library(folder: str) -> ctypes.CDLL:
    """Loads TensorFlow's library and declares its functions.

    Args:
      folder: the folder of the installed package `tensorflow`.

    Raises:
      OSError: the library is missing, or does not load on this machine.
    """
    library = ctypes.CDLL(os.path.join(folder, _LIBRARY))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


@functools.cache
def tensorflow_library() -> ctypes.CDLL:
    """Returns the library of the installed package, loaded quietly and once.

    Raises:
      ImportError: the package is not installed.
      OSError: the library is missing, or does not load on this machine.
    """
    folder = package_folder()
    with _quiet():
        return load_library(folder)


def import_tensorflow() -> types.ModuleType:
    """Imports the whole package `tensorflow` without its output on standard error.

    Raises:
      ImportError: it is not installed, or does not load on this machine.
    """
    with _quiet():
        import tensorflow
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hides file descriptor 2: the library writes to it before reading any setting."""
    for name, value in _QUIET_SETTINGS.items():
        os.environ.setdefault(name, value)
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def read_kernels(library: ctypes.CDLL) -> bytes:
    """Returns the registered kernels as a serialized `KernelList`."""
    return library.TF_GetAllRegisteredKernels(library.TF_NewStatus()).contents.read()


if __name__ == "__main__":
    sys.stdout.buffer.write(read_kernels(load_library(sys.argv[1])))
