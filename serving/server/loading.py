"""Loads a version from its folder and warms it up, as TensorFlow Serving does."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from google.protobuf.message import DecodeError

from serving.contract import layout
from serving.contract.signatures import CONTRACTS, SERVING_DEFAULT
from serving.local.memory import reserve_for_tensors
from serving.local.saved_model import (
    ModelCallError,
    ModelLoadError,
    SavedModel,
    message_of,
)
from serving.protocol import messages
from serving.protocol.records import RecordError, read_records
from serving.server.errors import RequestError, code_of_number
from serving.server.loaded_model import LoadedModel, LoadedSignature
from serving.server.requests import find_signature, read_inputs
from serving.server.slicing import Inputs
from serving.versions.integrity import DamagedVersionError, require_undamaged

_MAX_WARMUP_REQUESTS = 1000
"""TensorFlow Serving's limit."""
_PREDICT = "tensorflow/serving/predict"
_TENSORS = 512 << 20
"""Bytes of address space: weights of two versions, batches, and gaps between them."""


def load_model(path: str, number: int) -> LoadedModel:
    """Loads a version and replays its warm-up requests.

    Args:
      path: the folder with `saved_model.pb`.
      number: the version.

    Raises:
      ModelLoadError: it differs from its push, cannot be loaded, or its warm-up fails.
    """
    try:
        require_undamaged(path)
    except DamagedVersionError as error:
        raise ModelLoadError(str(error)) from error
    _reserve_memory()
    # One thread per batch: a batch is small, and other batches use the other cores better.
    saved_model = SavedModel(path, threads=1)
    signatures = {
        name: _signature(name, definition, saved_model)
        for name, definition in saved_model.definitions.signature_def.items()
        if _takes_texts(definition) and name in saved_model.signatures
    }
    if not signatures:
        raise ModelLoadError(f"The model in {path} has no signature that takes texts.")
    model = LoadedModel(number, signatures, saved_model.definitions, saved_model.close)
    try:
        _warm_up(model, path)
    except ModelLoadError:
        model.close()
        raise
    return model


@functools.cache
def _reserve_memory() -> None:
    reserve_for_tensors(_TENSORS)


def _signature(name: str, definition: Any, saved_model: SavedModel) -> LoadedSignature:
    inputs, outputs = tuple(sorted(definition.inputs)), tuple(sorted(definition.outputs))
    contract = CONTRACTS.get(name)
    return LoadedSignature(
        name,
        inputs,
        outputs,
        # An output outside the contract may be padded along any axis.
        shares_batches=contract is not None
        and set(outputs) - set(contract.optional) == set(contract.outputs),
        call=lambda texts: _call(saved_model, name, texts),
    )


def _call(saved_model: SavedModel, name: str, inputs: Inputs) -> dict[str, np.ndarray]:
    """Runs a signature; errors of the graph's operations keep TensorFlow's status code."""
    try:
        return saved_model.call(name, **inputs)
    except ModelCallError as error:
        cause = error.__cause__ or error
        code = code_of_number(getattr(cause, "error_code", grpc.StatusCode.INTERNAL.value[0]))
        raise RequestError(code, f"The model failed in {name!r}: {message_of(cause)}") from error


def _takes_texts(definition: Any) -> bool:
    """Whether each input is a vector of strings, of any length."""
    return (
        definition.method_name == _PREDICT
        and len(definition.inputs) > 0
        and all(
            messages.DATA_TYPES.get(info.dtype) == "DT_STRING"
            and not info.tensor_shape.unknown_rank
            and [dimension.size for dimension in info.tensor_shape.dim] == [-1]
            for info in definition.inputs.values()
        )
    )


def _warm_up(model: LoadedModel, path: str) -> None:
    """Runs the warm-up requests of an export, so no client waits for the one-time initialisation.

    Raises:
      ModelLoadError: one of them cannot be read or fails; every request might then fail.
    """
    for count, request in enumerate(_warmup_requests(path), start=1):
        if count > _MAX_WARMUP_REQUESTS:
            raise ModelLoadError(f"{path} has more than {_MAX_WARMUP_REQUESTS} warm-up requests.")
        name = request.model_spec.signature_name or SERVING_DEFAULT
        try:
            signature = find_signature(model, name)
            signature.run(read_inputs(request, signature))
        except RequestError as error:
            raise ModelLoadError(f"Warm-up request {count} of {path} failed: {error}") from error


def _warmup_requests(path: str) -> Iterator[Any]:
    """Yields `PredictRequest`s from the file of `PredictionLog` records, if there is one."""
    file = os.path.join(path, layout.WARMUP_REQUESTS)
    if not os.path.isfile(file):
        return
    try:
        for record in read_records(Path(file).read_bytes()):
            yield messages.PredictionLog.FromString(record).predict_log.request
    except (OSError, RecordError, DecodeError) as error:
        raise ModelLoadError(f"{file} cannot be read ({error}).") from error
