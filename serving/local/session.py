"""A graph in a session of TensorFlow's C interface, as in TensorFlow Serving."""

import contextlib
import ctypes
import weakref
from collections.abc import Callable, Iterator, Sequence
from ctypes import c_int64, c_void_p

import numpy as np

from serving.local.tensorflow_library import Output, tensorflow_library
from serving.protocol import messages
from serving.protocol.messages import DATA_TYPES, ERROR_CODES

_STRING = next(number for number, name in DATA_TYPES.items() if name == "DT_STRING")
_STRING_BYTES = 24
"""The size of a `TF_TString`."""
_OTHER_NAMES = {"float": "float32", "double": "float64", "half": "float16"}
"""NumPy's names of dtypes where they differ from TensorFlow's."""

Strings = bytes | Sequence[bytes]
"""A single string, or a vector of strings."""
Run = Callable[..., list[np.ndarray]]
"""Takes `Strings` for each input and returns the outputs."""


class TensorFlowError(Exception):
    """An error of TensorFlow."""

    def __init__(self, error_code: int, message: str):
        """Creates the error.

        Args:
          error_code: its number, the same as gRPC's.
          message: TensorFlow's message.
        """
        super().__init__(message)
        self.error_code = error_code

    @property
    def name(self) -> str:
        """The name of the same error in Python's TensorFlow, such as `InvalidArgumentError`."""
        words = ERROR_CODES.get(self.error_code, "UNKNOWN").split("_")
        return "".join(map(str.capitalize, words)) + "Error"


class Session:
    """A graph that grows by parts, run by any number of threads at once."""

    def __init__(self, threads: int = 0):
        """Starts a session with an empty graph.

        Args:
          threads: TensorFlow's threads for a call: 0 for one per core, 1 for the caller's thread
            only. The first session of a process decides for all.

        Raises:
          ImportError, OSError: TensorFlow's library cannot be loaded.
        """
        library = self._library = tensorflow_library()
        config = _config(threads)
        options = library.TF_NewSessionOptions()
        self._graph = library.TF_NewGraph()
        # Not at the exit of the process, when a thread may still be in a call.
        weakref.finalize(self, library.TF_DeleteGraph, self._graph).atexit = False
        try:
            with _status() as status:
                library.TF_SetConfig(options, config, len(config), status)
            with _status() as status:
                self._session = library.TF_NewSession(self._graph, options, status)
        finally:
            library.TF_DeleteSessionOptions(options)
        weakref.finalize(self, _delete_session, self._session).atexit = False

    def add(self, part: bytes) -> None:
        """Adds nodes and functions to the graph.

        Args:
          part: a serialized `GraphDef`. Functions alone are not seen by the session, but with a
            node they are.

        Raises:
          TensorFlowError: the graph is invalid.
        """
        library = self._library
        options = library.TF_NewImportGraphDefOptions()
        buffer = library.TF_NewBufferFromString(part, len(part))
        try:
            with _status() as status:
                library.TF_GraphImportGraphDef(self._graph, buffer, options, status)
        finally:
            library.TF_DeleteBuffer(buffer)
            library.TF_DeleteImportGraphDefOptions(options)

    def callable(
        self, feeds: Sequence[str], fetches: Sequence[str], targets: Sequence[str] = ()
    ) -> Run:
        """Returns a function that runs a part of the graph.

        Args:
          feeds: the tensors of its inputs, as in `operation:0`.
          fetches: the tensors of its outputs.
          targets: operations to run without an output.

        Raises:
          ValueError: the graph has no such tensor or operation.
        """
        inputs, outputs = self._places(feeds), self._places(fetches)
        operations = (c_void_p * len(targets))(*map(self._operation, targets))

        def run(*values: Strings) -> list[np.ndarray]:
            with contextlib.ExitStack() as stack:
                fed = [stack.enter_context(_strings(each)) for each in values]
                fetched = (c_void_p * len(outputs))()
                with _status() as status:
                    self._library.TF_SessionRun(
                        *(self._session, None),
                        *(inputs, (c_void_p * len(fed))(*fed), len(fed)),
                        *(outputs, fetched, len(fetched)),
                        *(operations, len(operations), None, status),
                    )
                for tensor in fetched:
                    stack.callback(self._library.TF_DeleteTensor, tensor)
                return [_read(tensor) for tensor in fetched]

        return run

    def close(self) -> None:
        """Ends the session: further calls fail. Its memory is freed after the last call."""
        with _status() as status:
            self._library.TF_CloseSession(self._session, status)

    def _operation(self, name: str) -> int:
        operation = self._library.TF_GraphOperationByName(self._graph, name.encode())
        if not operation:
            raise ValueError(f"its graph has no operation {name!r}")
        return operation

    def _places(self, tensors: Sequence[str]) -> ctypes.Array[Output]:
        places = []
        for tensor in tensors:
            name, _, index = tensor.partition(":")
            operation = self._operation(name)
            outputs = self._library.TF_OperationNumOutputs(operation)
            if not index.isdecimal() or int(index) >= outputs:
                raise ValueError(f"its graph has no tensor {tensor!r}")
            places.append(Output(operation, int(index)))
        return (Output * len(places))(*places)


def read_file(path: str) -> bytes:
    """Reads a file with TensorFlow's file systems, such as that of `gs://`.

    Raises:
      TensorFlowError: it cannot be read.
    """
    graph = messages.GraphDef()
    graph.node.add(name="path", op="Placeholder").attr["dtype"].type = _STRING
    graph.node.add(name="file", op="ReadFile", input=["path"])
    session = Session()
    session.add(graph.SerializeToString())
    [content] = session.callable(["path:0"], ["file:0"])(path.encode())
    return content.item()


def _config(threads: int) -> bytes:
    """Returns a serialized `ConfigProto`."""
    config = messages.ConfigProto(
        intra_op_parallelism_threads=threads,
        # Below 0 means the caller's thread: no operation waits for another thread to wake up.
        inter_op_parallelism_threads=-1 if threads == 1 else threads,
    )
    # Prepares for a call what the call needs, not the whole graph each time.
    config.graph_options.place_pruned_graph = True
    return config.SerializeToString()


@contextlib.contextmanager
def _status() -> Iterator[int]:
    """Yields a `TF_Status`.

    Raises:
      TensorFlowError: a function has set an error in it.
    """
    library = tensorflow_library()
    status = library.TF_NewStatus()
    try:
        yield status
        if code := library.TF_GetCode(status):
            # The message may quote bytes of a text.
            raise TensorFlowError(code, library.TF_Message(status).decode(errors="replace"))
    finally:
        library.TF_DeleteStatus(status)


def _delete_session(session: int) -> None:
    with _status() as status:
        tensorflow_library().TF_DeleteSession(session, status)


@contextlib.contextmanager
def _strings(values: Strings) -> Iterator[int]:
    """Yields a `TF_Tensor`."""
    library = tensorflow_library()
    texts, axes = ([values], 0) if isinstance(values, bytes) else (values, 1)
    size = _STRING_BYTES * len(texts)
    tensor = library.TF_AllocateTensor(_STRING, (c_int64 * 1)(len(texts)), axes, size)
    start = library.TF_TensorData(tensor) or 0
    places = range(start, start + size, _STRING_BYTES)
    for place in places:
        library.TF_StringInit(place)
    try:
        for place, text in zip(places, texts, strict=True):
            library.TF_StringCopy(place, text, len(text))
        yield tensor
    finally:
        for place in places:
            library.TF_StringDealloc(place)
        library.TF_DeleteTensor(tensor)


def _read(tensor: int | None) -> np.ndarray:
    """Copies a `TF_Tensor` to an array; strings become `bytes` objects.

    Raises:
      TypeError: NumPy does not have its dtype.
    """
    library = tensorflow_library()
    shape = [library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor))]
    number = library.TF_TensorType(tensor)
    data = library.TF_TensorData(tensor)
    if number == _STRING:
        array = np.empty(shape, object)
        array.ravel()[:] = _read_strings(data, array.size)
    else:
        name = DATA_TYPES[number].removeprefix("DT_").lower()
        array = np.empty(shape, _OTHER_NAMES.get(name, name))
        ctypes.memmove(array.ctypes.data, data, array.nbytes)
    return array


def _read_strings(start: int, count: int) -> list[bytes]:
    """Reads neighbouring `TF_TString`s.

    A string of up to 22 bytes lies within its 24: the length times four, then the text
    (`tsl/platform/ctstring_internal.h`). It is read here, because the functions of the library need
    a microsecond for each of the thousands of tokens in a batch.
    """
    library = tensorflow_library()
    content = ctypes.string_at(start or 0, _STRING_BYTES * count)
    return [
        content[place + 1 : place + 1 + (content[place] >> 2)]
        if not content[place] & 3
        else ctypes.string_at(
            library.TF_StringGetDataPointer(start + place), library.TF_StringGetSize(start + place)
        )
        for place in range(0, len(content), _STRING_BYTES)
    ]
