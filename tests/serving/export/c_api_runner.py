"""Runs an export with only TensorFlow's C interface, like a model server, without Python's part.

`python -m tests.serving.export.c_api_runner TENSORFLOW_FOLDER MODEL_FOLDER` reads requests from
standard input as JSON, a list of `{"inputs": {tensor: [base64, ...]}, "outputs": {name: tensor}}`
with tensors as in `operation:0`. It writes `{"version", "modules", "answers"}`: TensorFlow's
version, the loaded Python modules, and for each request `{name: {"shape", "values"}}`. Strings are
in base64, since they may be any bytes.
"""

import base64
import ctypes
import json
import sys
from collections.abc import Mapping, Sequence
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p
from typing import Any

from serving.export.tensorflow_library import load_library

TF_STRING = 7
STRING_BYTES = 24
"""The size of a `TF_TString`; only functions of the interface access its content."""
NUMBERS = {1: ctypes.c_float, 3: ctypes.c_int32, 9: ctypes.c_int64, 10: ctypes.c_bool}
"""By `TF_DataType`: float, int32, int64 and bool."""


class Output(ctypes.Structure):
    """`TF_Output`: one result of an operation."""

    _fields_ = (("operation", c_void_p), ("index", c_int))


FUNCTIONS: Mapping[str, tuple[Any, Sequence[Any]]] = {
    "TF_Version": (c_char_p, []),
    "TF_NewStatus": (c_void_p, []),
    "TF_GetCode": (c_int, [c_void_p]),
    "TF_Message": (c_char_p, [c_void_p]),
    "TF_NewGraph": (c_void_p, []),
    "TF_NewSessionOptions": (c_void_p, []),
    "TF_LoadSessionFromSavedModel": (
        c_void_p,
        [
            *(c_void_p, c_void_p),  # options of the session and of the run
            *(c_char_p, POINTER(c_char_p), c_int),  # folder, tags
            *(c_void_p, c_void_p, c_void_p),  # graph, its description, status
        ],
    ),
    "TF_GraphOperationByName": (c_void_p, [c_void_p, c_char_p]),
    "TF_SessionRun": (
        None,
        [
            *(c_void_p, c_void_p),  # session, options of the run
            *(POINTER(Output), POINTER(c_void_p), c_int),  # inputs
            *(POINTER(Output), POINTER(c_void_p), c_int),  # outputs
            *(c_void_p, c_int, c_void_p, c_void_p),  # targets, description of the run, status
        ],
    ),
    "TF_AllocateTensor": (c_void_p, [c_int, POINTER(c_int64), c_int, c_size_t]),
    "TF_DeleteTensor": (None, [c_void_p]),
    "TF_TensorType": (c_int, [c_void_p]),
    "TF_NumDims": (c_int, [c_void_p]),
    "TF_Dim": (c_int64, [c_void_p, c_int]),
    "TF_TensorElementCount": (c_int64, [c_void_p]),
    "TF_TensorData": (c_void_p, [c_void_p]),
    "TF_StringInit": (None, [c_void_p]),
    "TF_StringCopy": (None, [c_void_p, c_char_p, c_size_t]),
    "TF_StringGetDataPointer": (c_void_p, [c_void_p]),
    "TF_StringGetSize": (c_size_t, [c_void_p]),
    "TF_StringDealloc": (None, [c_void_p]),
}


def open_library(folder: str) -> ctypes.CDLL:
    """Loads TensorFlow's library and declares the types of its functions."""
    library = load_library(folder)
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class ServedModel:
    """An export in a TensorFlow session, as in a model server."""

    def __init__(self, library: ctypes.CDLL, folder: str):
        self._library = library
        self._status = library.TF_NewStatus()
        self._graph = library.TF_NewGraph()
        options, tags = library.TF_NewSessionOptions(), (c_char_p * 1)(b"serve")
        self._session = library.TF_LoadSessionFromSavedModel(
            options, None, folder.encode(), tags, 1, self._graph, None, self._status
        )
        self._check()

    def run(
        self, inputs: Mapping[str, Sequence[bytes]], outputs: Mapping[str, str]
    ) -> dict[str, dict[str, Any]]:
        """Feeds lists of strings, [batch] each, and fetches tensors by name.

        Raises:
          RuntimeError: TensorFlow returned an error.
        """
        library = self._library
        fed = [self._string_tensor(strings) for strings in inputs.values()]
        fetched = (c_void_p * len(outputs))()
        library.TF_SessionRun(
            *(self._session, None),
            *(self._places(inputs), (c_void_p * len(fed))(*fed), len(fed)),
            *(self._places(outputs.values()), fetched, len(fetched)),
            *(None, 0, None, self._status),
        )
        for tensor in fed:
            self._delete_string_tensor(tensor)
        self._check()
        answer = {}
        for name, tensor in zip(outputs, fetched, strict=True):
            answer[name] = self._read(tensor)
            library.TF_DeleteTensor(tensor)
        return answer

    def _check(self) -> None:
        if self._library.TF_GetCode(self._status):
            raise RuntimeError(self._library.TF_Message(self._status).decode())

    def _places(self, tensors: Any) -> Any:
        """Returns the outputs of the graph with these tensors' names."""
        places = []
        for name in tensors:
            operation, _, index = name.partition(":")
            found = self._library.TF_GraphOperationByName(self._graph, operation.encode())
            assert found, name
            places.append(Output(found, int(index)))
        return (Output * len(places))(*places)

    def _strings_of(self, tensor: int) -> range:
        """Returns the addresses of a tensor's strings."""
        start = self._library.TF_TensorData(tensor) or 0
        count = self._library.TF_TensorElementCount(tensor)
        return range(start, start + STRING_BYTES * count, STRING_BYTES)

    def _string_tensor(self, strings: Sequence[bytes]) -> int:
        library = self._library
        shape = (c_int64 * 1)(len(strings))
        tensor = library.TF_AllocateTensor(TF_STRING, shape, 1, STRING_BYTES * len(strings))
        for address, string in zip(self._strings_of(tensor), strings, strict=True):
            library.TF_StringInit(address)
            library.TF_StringCopy(address, string, len(string))
        return tensor

    def _delete_string_tensor(self, tensor: int) -> None:
        """Frees the tensor, and its strings that are too long to be stored in it."""
        for address in self._strings_of(tensor):
            self._library.TF_StringDealloc(address)
        self._library.TF_DeleteTensor(tensor)

    def _read(self, tensor: int) -> dict[str, Any]:
        library = self._library
        shape = [library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor))]
        kind = library.TF_TensorType(tensor)
        if kind == TF_STRING:
            strings = (
                ctypes.string_at(
                    library.TF_StringGetDataPointer(address), library.TF_StringGetSize(address)
                )
                for address in self._strings_of(tensor)
            )
            values: list[Any] = [base64.b64encode(string).decode() for string in strings]
        else:
            count, start = library.TF_TensorElementCount(tensor), library.TF_TensorData(tensor)
            values = list((NUMBERS[kind] * count).from_address(start)) if count else []
        return {"shape": shape, "values": values}


def main() -> None:
    library = open_library(sys.argv[1])
    model = ServedModel(library, sys.argv[2])
    answers = [
        model.run(
            {
                name: [base64.b64decode(string) for string in strings]
                for name, strings in request["inputs"].items()
            },
            request["outputs"],
        )
        for request in json.load(sys.stdin)
    ]
    version = library.TF_Version().decode()
    json.dump({"version": version, "modules": sorted(sys.modules), "answers": answers}, sys.stdout)


if __name__ == "__main__":
    main()
