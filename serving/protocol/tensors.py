"""Converts NumPy arrays to `TensorProto` and back, without TensorFlow.

A tensor's values have one of two forms: a repeated field for its dtype, where the last value of a
short list is repeated (`tensorflow/core/framework/tensor.proto`), or raw bytes in `tensor_content`.
Both can be read and written.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.protocol.messages import DATA_TYPES, TensorProto
from serving.protocol.varint import encode_varint, read_varint

MAX_ELEMENTS = 1 << 28
"""A larger tensor is a malformed message: a few bytes may declare any shape."""


class TensorError(Exception):
    """An array or a message is not a supported tensor; the error message is a clause."""


@dataclass(frozen=True)
class _Kind:
    """The storage of the values of a dtype."""

    name: str
    field: str
    """The repeated field."""
    dtype: np.dtype
    """The dtype of the array and of `tensor_content`; strings are encoded specially there."""


_STRING = _Kind("string", "string_val", np.dtype(object))
_KINDS: Mapping[str, _Kind] = {
    "DT_STRING": _STRING,
    "DT_FLOAT": _Kind("float32", "float_val", np.dtype("<f4")),
    "DT_INT32": _Kind("int32", "int_val", np.dtype("<i4")),
    "DT_INT64": _Kind("int64", "int64_val", np.dtype("<i8")),
    "DT_BOOL": _Kind("bool", "bool_val", np.dtype("?")),
}
_KINDS_BY_NUMBER = {number: _KINDS[name] for number, name in DATA_TYPES.items() if name in _KINDS}
_NUMBERS_BY_DTYPE = {kind.dtype: number for number, kind in _KINDS_BY_NUMBER.items()}
_KNOWN = ", ".join(kind.name for kind in _KINDS.values())


def dtype_name(number: int) -> str:
    """Returns NumPy's name of a supported dtype, else TensorFlow's, such as `DT_HALF`."""
    kind = _KINDS_BY_NUMBER.get(number)
    return kind.name if kind else DATA_TYPES.get(number, f"number {number}")


def to_tensor(array: np.ndarray, *, as_content: bool = False) -> Any:
    """Converts an array to a `TensorProto`.

    Args:
      array: float32, int32, int64, bool, or `bytes` objects, of any shape.
      as_content: whether to write the values to `tensor_content`, which is faster. The default is
        the repeated field, read by every client.

    Raises:
      TensorError: the dtype is not supported, or an object is not `bytes`.
    """
    tensor = TensorProto()
    write_tensor(tensor, array, as_content=as_content)
    return tensor


def write_tensor(tensor: Any, array: np.ndarray, *, as_content: bool = False) -> None:
    """Writes an array into an empty `TensorProto`, such as a part of a message.

    Args:
      tensor: the message.
      array: as in `to_tensor`.
      as_content: as in `to_tensor`.

    Raises:
      TensorError: the dtype is not supported, or an object is not `bytes`.
    """
    number = _NUMBERS_BY_DTYPE.get(array.dtype)
    if number is None:
        raise TensorError(f"the array's dtype is {array.dtype}, not one of {_KNOWN}")
    kind, values = _KINDS_BY_NUMBER[number], array.ravel().tolist()
    if kind is _STRING and not all(isinstance(value, bytes) for value in values):
        raise TensorError("the array holds objects that are not bytes")
    tensor.dtype = number
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    if not as_content:
        getattr(tensor, kind.field).extend(values)
    elif kind is _STRING:
        tensor.tensor_content = b"".join(
            [*(encode_varint(len(value)) for value in values), *values]
        )
    else:
        tensor.tensor_content = array.tobytes()


def from_tensor(tensor: Any) -> np.ndarray:
    """Reads a `TensorProto`.

    Returns:
      The array, maybe read-only; strings are `bytes` objects.

    Raises:
      TensorError: the dtype is not supported, or values and shape contradict each other.
    """
    kind = _KINDS_BY_NUMBER.get(tensor.dtype)
    if kind is None:
        raise TensorError(f"its dtype is {dtype_name(tensor.dtype)}, not one of {_KNOWN}")
    shape = _shape(tensor.tensor_shape)
    size = math.prod(shape)
    if not tensor.tensor_content:
        flat = _from_values(getattr(tensor, kind.field), kind, size)
    elif kind is _STRING:
        flat = _from_packed_strings(tensor.tensor_content, size)
    else:
        flat = _from_bytes(tensor.tensor_content, kind, size)
    if len(flat) != size:
        raise TensorError(f"it has {len(flat)} values for the shape {list(shape)}")
    return flat.reshape(shape)


def _shape(declared: Any) -> tuple[int, ...]:
    shape = tuple(dimension.size for dimension in declared.dim)
    if declared.unknown_rank or any(size < 0 for size in shape):
        raise TensorError("its shape is not known")
    if math.prod(shape) > MAX_ELEMENTS:
        raise TensorError(f"its shape {list(shape)} is too large")
    return shape


def _from_values(values: Any, kind: _Kind, size: int) -> np.ndarray:
    """Reads a repeated field: missing values repeat the last one, or are 0 in an empty field."""
    flat = np.fromiter(values, kind.dtype, len(values))
    missing = size - len(flat)
    if missing <= 0:
        return flat
    if len(flat):
        filler = flat[-1]
    else:
        filler = b"" if kind is _STRING else 0
    return np.concatenate([flat, np.full(missing, filler, kind.dtype)])


def _from_bytes(content: bytes, kind: _Kind, size: int) -> np.ndarray:
    if len(content) != size * kind.dtype.itemsize:
        raise TensorError(f"it has {len(content)} bytes for {size} values of {kind.name}")
    return np.frombuffer(content, kind.dtype)


def _from_packed_strings(content: bytes, size: int) -> np.ndarray:
    """Reads strings packed by TensorFlow's `EncodeStringList`: all lengths, then all bytes."""
    lengths = []
    position = 0
    try:
        for _ in range(size):
            length, position = read_varint(content, position)
            lengths.append(length)
    except IndexError as error:
        raise TensorError("its strings end within a length") from error
    if position + sum(lengths) != len(content):
        raise TensorError(f"its {len(content)} bytes are not those of {size} strings")
    return np.fromiter(_cut(content, position, lengths), _STRING.dtype, size)


def _cut(content: bytes, position: int, lengths: list[int]) -> Iterator[bytes]:
    for length in lengths:
        yield content[position : position + length]
        position += length
