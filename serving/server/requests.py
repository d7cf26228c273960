"""Reads a `PredictRequest` into texts and writes the `PredictResponse`.

Requests are not trusted: a shape is used only after the values present were counted, so a few bytes
cannot make the server allocate gigabytes. The error messages are TensorFlow Serving's own wherever
these name the problem.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np

from serving.contract.signatures import SERVING_DEFAULT
from serving.protocol import messages
from serving.protocol.tensors import TensorError, dtype_name, from_tensor, write_tensor
from serving.server.errors import RequestError, invalid
from serving.server.loaded_model import LoadedModel, LoadedSignature
from serving.server.slicing import Inputs, Outputs

_STRING = "DT_STRING"


@dataclass(frozen=True)
class Target:
    """The model, version and signature named by a request."""

    name: str
    version: int | None = None
    label: str | None = None
    signature: str = SERVING_DEFAULT


def read_target(request: Any) -> Target:
    """Reads the `model_spec` of any request.

    Raises:
      RequestError: it is missing or has no model name.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    spec = request.model_spec
    if not spec.name:
        raise invalid("ModelSpec has no name specified.")
    choice = spec.WhichOneof("version_choice")
    return Target(
        spec.name,
        version=spec.version.value if choice == "version" else None,
        label=spec.version_label if choice == "version_label" else None,
        signature=spec.signature_name or SERVING_DEFAULT,
    )


def find_signature(model: LoadedModel, name: str) -> LoadedSignature:
    """Returns the callable signature with this name.

    Raises:
      RequestError: FAILED_PRECONDITION if there is none.
    """
    if name not in model.signatures:
        known = ", ".join(sorted(model.signatures))
        raise RequestError(
            grpc.StatusCode.FAILED_PRECONDITION,
            f'Serving signature key "{name}" not found; there are {known}.',
        )
    return model.signatures[name]


def read_inputs(request: Any, signature: LoadedSignature) -> Inputs:
    """Reads the texts of a `PredictRequest` as bytes, in any encoding.

    Raises:
      RequestError: they do not match the inputs of the signature.
    """
    sent, wanted = set(request.inputs), set(signature.inputs)
    if sent != wanted:
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(wanted)} "
            f"len({_set(sent)}) != len({_set(wanted)}). Sent extra: {_set(sent - wanted)}. "
            f"Missing but required: {_set(wanted - sent)}."
        )
    return check_inputs({name: _texts(name, request.inputs[name]) for name in signature.inputs})


def check_inputs(inputs: Inputs) -> Inputs:
    """Checks the number of texts: it must be the same in each input.

    Raises:
      RequestError: the numbers differ.
    """
    sizes = {name: len(texts) for name, texts in inputs.items()}
    if len(set(sizes.values())) > 1:
        counts = ", ".join(f"{name!r} has {size}" for name, size in sizes.items())
        raise invalid(f"All inputs must hold the same number of texts: {counts}.")
    return inputs


def check_filter(names: Sequence[str], signature: LoadedSignature) -> Sequence[str]:
    """Returns the names of an `output_filter`, or of all outputs if it is empty.

    Raises:
      RequestError: a name is unknown or repeated.
    """
    for position, name in enumerate(names):
        if name not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name} "
                f"Outputs expected to be in the set {_set(signature.outputs)}."
            )
        if name in names[:position]:
            raise invalid(f"duplicate output tensor alias: {name}")
    return names or signature.outputs


def write_response(target: Target, version: int, outputs: Outputs, names: Iterable[str]) -> Any:
    """Returns a `PredictResponse`, with the values in the fields read by every client."""
    response = messages.PREDICT.reply()
    fill_spec(response.model_spec, target.name, version)
    response.model_spec.signature_name = target.signature
    for name in names:
        write_tensor(response.outputs[name], np.asarray(outputs[name]))
    return response


def fill_spec(spec: Any, name: str, version: int) -> None:
    """Writes the model and the version into the `model_spec` of a response."""
    spec.name = name
    spec.version.value = version


def _texts(name: str, tensor: Any) -> list[bytes]:
    """Reads a vector of strings."""
    if messages.DATA_TYPES.get(tensor.dtype) != _STRING:
        raise invalid(f"Input {name!r} has dtype {dtype_name(tensor.dtype)}, not string.")
    shape = [dimension.size for dimension in tensor.tensor_shape.dim]
    if tensor.tensor_shape.unknown_rank or len(shape) != 1:
        shown = "unknown" if tensor.tensor_shape.unknown_rank else list(shape)
        raise invalid(f"Input {name!r} has shape {shown}, not [batch].")
    if not tensor.tensor_content and shape[0] != len(tensor.string_val):
        # TensorFlow would repeat the last one: ten bytes could request a million translations.
        raise invalid(
            f"tensor parsing error: {name} has {len(tensor.string_val)} strings "
            f"for its shape {shape}."
        )
    try:
        return from_tensor(tensor).tolist()
    except TensorError as error:
        raise invalid(f"tensor parsing error: {name}: {error}") from error


def _set(names: Iterable[str] | Mapping[str, Any]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
