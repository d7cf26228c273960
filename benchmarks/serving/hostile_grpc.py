"""Hostile requests to gRPC, with the allowed statuses for each kind."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.serving.hostile_kinds import (
    CLOSED,
    LARGER_THAN_ALLOWED,
    SECONDS,
    GrpcCall,
    Kind,
    Make,
    RawBytes,
    Request,
    Victim,
    invalid_texts,
    mutated,
    raw_bytes,
    unknown_name,
)
from serving.contract.signatures import SCORE, SERVE_EXAMPLES
from serving.protocol import messages
from serving.protocol.tensors import to_tensor, write_tensor
from serving.server.model_service import RELOAD_CONFIG

_OK = "OK"
_INVALID = ("INVALID_ARGUMENT",)
_NOT_FOUND = ("NOT_FOUND",)
_LONGEST_TEXT = 100_000
_MORE_THAN_A_BATCH = 33
"""Number of texts, one above `max_batch_size`."""
_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_EMPTY_SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_METHODS = (messages.PREDICT, messages.GET_MODEL_METADATA, messages.GET_MODEL_STATUS, RELOAD_CONFIG)


def _predict(request: Any, seconds: float = SECONDS) -> GrpcCall:
    return GrpcCall(messages.PREDICT.path, request.SerializeToString(), seconds)


def _good(numbers: random.Random, victim: Victim, texts: Sequence[bytes] | None = None) -> Any:
    """Makes a valid request."""
    request = messages.PREDICT.request()
    request.model_spec.name = victim.model
    chosen = numbers.sample(victim.sentences, 2) if texts is None else texts
    write_tensor(request.inputs["text"], np.array(chosen, object))
    return request


def _good_call(numbers: random.Random, victim: Victim) -> Request:
    return _predict(_good(numbers, victim))


def _of_texts(make: Callable[[random.Random], Sequence[bytes]]) -> Make:
    return lambda numbers, victim: _predict(_good(numbers, victim, make(numbers)))


def _changed(change: Callable[[random.Random, Any], None]) -> Make:
    """Returns a maker of good requests, each then changed by a function."""

    def make(numbers: random.Random, victim: Victim) -> Request:
        request = _good(numbers, victim)
        change(numbers, request)
        return _predict(request)

    return make


def _wrong_dtype(numbers: random.Random, request: Any) -> None:
    known = [number for number, name in messages.DATA_TYPES.items() if name != "DT_STRING"]
    request.inputs["text"].dtype = numbers.choice([*known, numbers.randrange(1000, 1 << 31), -1])


def _wrong_rank(numbers: random.Random, request: Any) -> None:
    shape = request.inputs["text"].tensor_shape
    if numbers.random() < 0.2:
        shape.unknown_rank = True
        return
    del shape.dim[:]
    for _ in range(numbers.choice([0, 2, 3, 10, 300])):
        shape.dim.add(size=numbers.choice([0, 1, 2, 1 << 40, -1]))


def _wrong_size(numbers: random.Random, request: Any) -> None:
    sizes = [-(1 << 63), -1, 0, 1, 3, 1000, 1 << 20, 1 << 31, 1 << 62, (1 << 63) - 1]
    request.inputs["text"].tensor_shape.dim[0].size = numbers.choice(sizes)


def _cut_strings(numbers: random.Random, request: Any) -> None:
    tensor = request.inputs["text"]
    packed = to_tensor(np.array(list(tensor.string_val), object), as_content=True).tensor_content
    del tensor.string_val[:]
    extra = numbers.randbytes(numbers.randrange(1, 20))
    cut = packed[: numbers.randrange(1, len(packed))]
    tensor.tensor_content = numbers.choice([cut, packed + extra])


def _wrong_inputs(numbers: random.Random, request: Any) -> None:
    match numbers.randrange(3):
        case 0:
            request.inputs.clear()
        case 1:
            request.inputs[unknown_name(numbers)].CopyFrom(request.inputs["text"])
        case _:
            request.inputs[unknown_name(numbers)].CopyFrom(request.inputs["text"])
            del request.inputs["text"]


def _unknown_output(numbers: random.Random, request: Any) -> None:
    request.output_filter.extend(
        numbers.choice([[unknown_name(numbers)], [""], ["score", "score"]])
    )


def _unequal_inputs(numbers: random.Random, request: Any) -> None:
    request.model_spec.signature_name = SCORE
    targets = [b"a"] * numbers.choice([0, 1, 3, 40])
    write_tensor(request.inputs["target"], np.array(targets, object))


def _broken_examples(numbers: random.Random, request: Any) -> None:
    request.model_spec.signature_name = SERVE_EXAMPLES
    examples = [numbers.randbytes(numbers.randrange(30)) for _ in range(numbers.randrange(1, 4))]
    write_tensor(request.inputs["examples"], np.array(examples, object))
    del request.inputs["text"]


def _no_model(numbers: random.Random, request: Any) -> None:
    if numbers.random() < 0.5:
        request.ClearField("model_spec")
    else:
        request.model_spec.name = ""


def _unknown_model(numbers: random.Random, request: Any) -> None:
    request.model_spec.name = unknown_name(numbers) * numbers.choice([1, 1, 1, 1000])


def _unknown_version(numbers: random.Random, request: Any) -> None:
    request.model_spec.version.value = numbers.choice([-1, 0, (1 << 63) - 1, -(1 << 63)])


def _unknown_label(numbers: random.Random, request: Any) -> None:
    request.model_spec.version_label = unknown_name(numbers)


def _unknown_signature(numbers: random.Random, request: Any) -> None:
    request.model_spec.signature_name = unknown_name(numbers)


def _no_text(numbers: random.Random) -> list[bytes]:
    blanks = [b"", b" ", b"\t\n", b"\x00\x01", "\u00a0\u2003".encode()]
    return numbers.choices(blanks, k=numbers.randrange(5))


def _long_text(numbers: random.Random) -> list[bytes]:
    unit = numbers.choice([b"x", b"cat ", "\u00e4".encode(), b"\xff", b"9", b"."])
    return [(unit * _LONGEST_TEXT)[: numbers.randrange(1000, _LONGEST_TEXT)]]


def _impatient(numbers: random.Random, victim: Victim) -> Request:
    return _predict(_good(numbers, victim), seconds=numbers.choice([1e-6, 0.001, 0.003]))


def _mutated_call(numbers: random.Random, victim: Victim) -> Request:
    return GrpcCall(
        messages.PREDICT.path, mutated(numbers, _good(numbers, victim).SerializeToString())
    )


def _random_call(numbers: random.Random, _: Victim) -> Request:
    # No field starts with 0xFF, so random bytes cannot be a valid request.
    content = b"\xff" + numbers.randbytes(numbers.choice([0, 1, 10, 1000, 100_000]))
    return GrpcCall(numbers.choice(_METHODS).path, content)


def _unknown_method(numbers: random.Random, _: Victim) -> Request:
    service = numbers.choice([messages.PREDICTION_SERVICE, messages.MODEL_SERVICE, "no.Service"])
    method = numbers.choice(["Classify", "Regress", "MultiInference", "Nothing", "predict"])
    return GrpcCall(f"/{service}/{method}", numbers.randbytes(10))


def _wrong_metadata(numbers: random.Random, victim: Victim) -> Request:
    request = messages.GET_MODEL_METADATA.request()
    request.model_spec.name = victim.model
    request.metadata_field.extend(
        numbers.choice([[], [unknown_name(numbers)], ["signature_def", ""]])
    )
    return GrpcCall(messages.GET_MODEL_METADATA.path, request.SerializeToString())


def _wrong_configuration(numbers: random.Random, victim: Victim) -> Request:
    """Makes a request for a configuration with a different or invalid model."""
    request = RELOAD_CONFIG.request()
    match numbers.randrange(5):
        case 0:
            request.config.custom_model_config.type_url = unknown_name(numbers)
        case 1:
            request.config.model_config_list.config.add(name=unknown_name(numbers), base_path="/")
        case 2:
            request.config.model_config_list.config.add(name=victim.model, base_path="/etc")
        case 3:
            request.config.model_config_list.config.add(name=victim.model, model_platform="none")
        case _:
            for _ in range(numbers.choice([2, 100])):
                request.config.model_config_list.config.add(name=victim.model)
    return GrpcCall(RELOAD_CONFIG.path, request.SerializeToString())


def _too_large_call(numbers: random.Random, _: Victim) -> Request:
    return GrpcCall(messages.PREDICT.path, b"\n" * (LARGER_THAN_ALLOWED + numbers.randrange(100)))


def _raw_frames(numbers: random.Random, _victim: Victim) -> Request:
    """Makes a valid HTTP/2 preface, followed by frames of random types with random content."""
    content = bytearray(_HTTP2_PREFACE + numbers.choice([b"", _EMPTY_SETTINGS]))
    for _ in range(numbers.randrange(6)):
        length = numbers.choice([0, 4, 5, 8, 30, 1000])
        content += length.to_bytes(3, "big") + numbers.randbytes(2)
        content += numbers.choice([0, 1, 3, 1 << 31]).to_bytes(4, "big")
        content += numbers.randbytes(numbers.choice([length, length, 3]))
    return RawBytes(True, bytes(content))


GRPC_KINDS: Sequence[Kind] = (
    Kind("good requests among the others", 5, [_OK], _good_call),
    Kind("wrong dtype", 4, _INVALID, _changed(_wrong_dtype)),
    Kind("wrong rank", 4, _INVALID, _changed(_wrong_rank)),
    Kind("shape that is not that of the values", 4, _INVALID, _changed(_wrong_size)),
    Kind("packed strings that are cut off", 4, _INVALID, _changed(_cut_strings)),
    Kind("missing, foreign and misnamed inputs", 4, _INVALID, _changed(_wrong_inputs)),
    Kind("inputs of unequal length", 2, _INVALID, _changed(_unequal_inputs)),
    Kind("examples that are none", 2, _INVALID, _changed(_broken_examples)),
    Kind("unknown outputs", 2, _INVALID, _changed(_unknown_output)),
    Kind("no model", 2, _INVALID, _changed(_no_model)),
    Kind("unknown model", 2, _NOT_FOUND, _changed(_unknown_model)),
    Kind("unknown version", 2, _NOT_FOUND, _changed(_unknown_version)),
    Kind("unknown label", 2, _INVALID, _changed(_unknown_label)),
    Kind("unknown signature", 2, ["FAILED_PRECONDITION"], _changed(_unknown_signature)),
    Kind("no texts and empty texts", 2, [_OK, *_INVALID], _of_texts(_no_text)),
    Kind("invalid UTF-8", 3, [_OK], _of_texts(invalid_texts)),
    Kind("very long texts", 0.3, [_OK], _of_texts(_long_text)),
    Kind(
        "more texts than a batch holds",
        0.5,
        _INVALID,
        _of_texts(lambda numbers: [b"a"] * _MORE_THAN_A_BATCH),
    ),
    Kind("messages above the limit", 0.1, ["RESOURCE_EXHAUSTED"], _too_large_call),
    Kind("deadlines that cannot be met", 2, ["DEADLINE_EXCEEDED", _OK], _impatient),
    Kind(
        "valid requests with changed bytes",
        15,
        [_OK, *_INVALID, *_NOT_FOUND, "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"],
        _mutated_call,
    ),
    Kind("random bytes as requests", 5, _INVALID, _random_call),
    Kind("unknown methods", 2, ["UNIMPLEMENTED"], _unknown_method),
    Kind("wrong questions for metadata", 2, _INVALID, _wrong_metadata),
    Kind("configurations of something else", 2, _INVALID, _wrong_configuration),
    Kind("raw bytes on the port of gRPC", 4, [CLOSED], raw_bytes(is_grpc=True)),
    Kind("raw HTTP/2 frames on the port of gRPC", 5, [CLOSED], _raw_frames),
)
