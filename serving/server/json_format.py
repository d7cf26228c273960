"""TensorFlow Serving's JSON: predict requests in row and columnar format, and their responses.

Follows https://www.tensorflow.org/tfx/serving/api_rest, and for details missing there
`tensorflow_serving/util/json_tensor.cc`.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf import json_format

from serving.contract.signatures import SERVING_DEFAULT
from serving.protocol import messages
from serving.server.errors import invalid
from serving.server.loaded_model import LoadedSignature
from serving.server.requests import check_inputs
from serving.server.slicing import Inputs, Outputs

_BASE64 = "b64"
_BYTES_SUFFIX = "_bytes"
"""The suffix of the names of binary outputs."""
_LONGEST_VALUE = 80
_TYPES = {dict: "Object", list: "Array", str: "String", bool: "Bool", type(None): "Null"}


@dataclass(frozen=True)
class JsonRequest:
    """The body of a predict request."""

    signature: str
    is_row_format: bool
    """True for `instances`, one object or value per text; False for `inputs`, a list per input."""
    values: Any

    @property
    def rows(self) -> int:
        """The number of texts, not yet checked."""
        is_named = not self.is_row_format and isinstance(self.values, dict)
        columns = self.values.values() if is_named else [self.values]
        return max((len(each) for each in columns if isinstance(each, list)), default=0)


def parse_body(body: bytes) -> JsonRequest:
    """Reads the body of a predict request.

    Raises:
      RequestError: it is not JSON, or not a valid predict request.
    """
    try:
        document = json.loads(body, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise invalid(f"JSON Parse error: {reason}") from error
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {_show(document)} Is not object")
    signature = document.get("signature_name", "")
    if not isinstance(signature, str):
        raise invalid("'signature_name' key must be a string value.")
    if "instances" in document and "inputs" in document:
        raise invalid(
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"
        )
    if "instances" not in document and "inputs" not in document:
        raise invalid("Missing 'inputs' or 'instances' key")
    is_row_format = "instances" in document
    values = document["instances" if is_row_format else "inputs"]
    if is_row_format and not isinstance(values, list):
        raise invalid("Expecting 'instances' to be a list/array")
    if is_row_format and not values:
        raise invalid("No values in 'instances' array")
    return JsonRequest(signature or SERVING_DEFAULT, is_row_format, values)


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise invalid("JSON Parse error: an object has the same key twice")
    return found


def read_json_inputs(request: JsonRequest, signature: LoadedSignature) -> Inputs:
    """Reads the texts of a request.

    Raises:
      RequestError: they do not match the inputs of the signature.
    """
    read = _read_rows if request.is_row_format else _read_columns
    return check_inputs(read(request.values, signature.inputs))


def write_predictions(outputs: Outputs, is_row_format: bool) -> bytes:
    """Writes the response in the format of the request; `NaN` and `Infinity` are not quoted."""
    columns = {name: _plain(name, np.asarray(values)) for name, values in sorted(outputs.items())}
    answer: Any
    if is_row_format:
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        answer = {"predictions": [_only_value(row) for row in rows]}
    else:
        answer = {"outputs": _only_value(columns)}
    return _dump(answer)


def write_error(sentence: str) -> bytes:
    """Writes the body of an error response."""
    return _dump({"error": sentence})


def write_message(message: Any) -> bytes:
    """Writes a protocol message with all its fields, under their names in the `.proto` file."""
    return _dump(_fields(message))


def write_metadata(response: Any, definitions: Any) -> bytes:
    """Writes a `GetModelMetadataResponse`.

    Args:
      response: the message with the `model_spec`.
      definitions: the `SignatureDefMap`, written in full.
    """
    return _dump(
        {
            "model_spec": _fields(response.model_spec),
            "metadata": {"signature_def": _fields(definitions)},
        }
    )


def _fields(message: Any) -> dict[str, Any]:
    return json_format.MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        descriptor_pool=messages.POOL,
    )


def _read_rows(rows: Sequence[Any], names: Sequence[str]) -> dict[str, list[bytes]]:
    """Reads `instances`: objects with one value per input, or plain values for a single input."""
    if not _is_object(rows[0]):
        if len(names) > 1:
            raise invalid(
                "instances is a plain list, but expecting list of objects as multiple "
                "input tensors required as per tensorinfo_map"
            )
        for position, row in enumerate(rows):
            if _is_object(row):
                raise invalid(
                    f"Expecting value/list but got object at item {position} of input list"
                )
        return {names[0]: [_text(row) for row in rows]}
    texts: dict[str, list[bytes]] = {name: [] for name in names}
    for position, row in enumerate(rows):
        if not _is_object(row):
            raise invalid(f"Expecting object but got list at item {position} of input list")
        if set(row) != set(names):
            raise invalid(
                f"Failed to process element: {position} of 'instances' list. JSON object: "
                f"{_show(row)} keys must be equal to: {','.join(names)}"
            )
        for name in names:
            texts[name].append(_text(row[name]))
    return texts


def _read_columns(columns: Any, names: Sequence[str]) -> dict[str, list[bytes]]:
    """Reads `inputs`: an object with one list per input, or one list for a single input."""
    if not _is_object(columns):
        if len(names) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        columns = {names[0]: columns}
    texts = {}
    for name in names:
        if name not in columns:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        if not isinstance(columns[name], list):
            raise invalid(f"Input {name!r} must be a list of strings, one per text.")
        texts[name] = [_text(value) for value in columns[name]]
    return texts


def _text(value: Any) -> bytes:
    """Reads a string, or the bytes of an object `{"b64": ...}`."""
    if isinstance(value, dict):
        return _decode_base64(value)
    if not isinstance(value, str):
        raise invalid(
            f"JSON Value: {_show(value)} Type: {_TYPES.get(type(value), 'Number')} "
            "is not of expected type: string"
        )
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise invalid("JSON Parse error: The surrogate pair in string is invalid.") from error


def _decode_base64(value: Mapping[str, Any]) -> bytes:
    if not _is_base64(value):
        raise invalid(f"JSON Value: {_show(value)} not formatted correctly for base64 data")
    try:
        return base64.b64decode(value[_BASE64], validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {_BASE64} and isinstance(value[_BASE64], str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _only_value(fields: Mapping[str, Any]) -> Any:
    """Returns a single output without its name, and several unchanged."""
    return next(iter(fields.values())) if len(fields) == 1 else fields


def _plain(name: str, values: np.ndarray) -> list:
    """Converts an array into lists of JSON types."""
    if values.dtype == np.float32:
        # Converted through text: 0.2 stays 0.2 and does not become 0.20000000298.
        return values.astype("U").astype(np.float64).tolist()
    if values.dtype == object:
        as_json = _as_base64 if name.endswith(_BYTES_SUFFIX) else _as_string
        return np.frompyfunc(as_json, 1, 1)(values).tolist() if values.size else values.tolist()
    return values.tolist()


def _as_string(value: bytes) -> str:
    return value.decode("utf-8", errors="replace")


def _as_base64(value: bytes) -> dict[str, str]:
    return {_BASE64: base64.b64encode(value).decode("ascii")}


def _show(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(nested too deep)"
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", errors="replace")
