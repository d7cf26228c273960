"""A gRPC server in this process with TensorFlow Serving's protocol and scripted behaviour.

Its model translates each word into capitals and attends to the same word; a word is a token.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import grpc
import numpy as np

from serving.contract.signatures import CONTRACTS
from serving.protocol.messages import (
    GET_MODEL_METADATA,
    GET_MODEL_STATUS,
    MODEL_SERVICE,
    PREDICT,
    PREDICTION_SERVICE,
    Method,
    SignatureDefMap,
)
from serving.protocol.tensors import from_tensor, to_tensor

RETRIED = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}
"""Nobody answers, the queue is full, or no thread is free."""
FAILED_BATCHES = [
    # TensorFlow Serving's own words, with 2.21.
    (
        grpc.StatusCode.FAILED_PRECONDITION,
        "Tensors with name 'serving_default_text:0' from different tasks have different shapes and "
        "padding is turned off.",
    ),
    (
        grpc.StatusCode.INTERNAL,
        "Tensor concat operation failed: INVALID_ARGUMENT: Cannot concatenate tensors that have "
        "different data types. Got string and int32.",
    ),
]
BEAM = 2
MODEL = "shouting"
VERSION = 7
_DTYPE_NUMBERS = {"float32": 1, "int32": 3, "string": 7, "bool": 10}

Arrays = dict[str, np.ndarray]


@dataclass
class Request:
    """A received Predict request."""

    signature: str
    texts: list[bytes]
    spec: Any
    remaining: float
    """Seconds to its deadline."""
    headers: dict[str, str]


@dataclass
class Script:
    """The behaviour of a server, and a record of its calls."""

    failures: list[grpc.StatusCode] = field(default_factory=list)
    """The statuses of the first calls, for any request."""
    fails_always: grpc.StatusCode | None = None
    details: str = "as it was told"
    answer: Callable[..., Arrays] = field(default_factory=lambda: shout)
    """The model: returns the outputs for a signature's name and its inputs, lists of bytes."""
    as_content: bool = False
    """Whether to send outputs as `tensor_content`."""
    on_predict: Callable[[Request, grpc.ServicerContext], None] = lambda *_: None
    """Called while a request is answered."""
    signature_names: Sequence[str] = tuple(CONTRACTS)
    requests: list[Request] = field(default_factory=list)
    calls: int = 0
    most_at_once: int = 0
    at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Stuck:
    """Holds a call until its client gives up; for `Script.on_predict`."""

    PATIENCE = 20
    """Seconds of a wait for another thread; then the test fails."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.given_up = threading.Event()

    def __call__(self, request: Request, context: grpc.ServicerContext) -> None:
        ended = threading.Event()
        if context.add_callback(ended.set):
            self.arrived.set()
            assert ended.wait(self.PATIENCE)
        self.given_up.set()


@contextlib.contextmanager
def serving(
    script: Script | None = None,
    credentials: grpc.ServerCredentials | None = None,
    port: int = 0,
) -> Iterator[tuple[str, Script]]:
    """Runs a server on the loopback, on a free port unless one is given.

    Yields:
      Its address and its script.
    """
    script = script or Script()
    server = grpc.server(
        futures.ThreadPoolExecutor(16), options=[("grpc.max_receive_message_length", -1)]
    )
    for service, answers in (
        (PREDICTION_SERVICE, {PREDICT: _predict, GET_MODEL_METADATA: _metadata}),
        (MODEL_SERVICE, {GET_MODEL_STATUS: _status}),
    ):
        handlers = {
            method.path.rpartition("/")[2]: _handler(method, answer, script)
            for method, answer in answers.items()
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    if credentials is None:
        port = server.add_insecure_port(f"127.0.0.1:{port}")
    else:
        port = server.add_secure_port(f"127.0.0.1:{port}", credentials)
    server.start()
    try:
        # A proxy set in the environment cannot reach this server.
        with mock.patch.dict(os.environ, no_grpc_proxy="127.0.0.1,localhost"):
            yield f"127.0.0.1:{port}", script
    finally:
        server.stop(None).wait()


def _handler(method: Method, answer: Callable, script: Script) -> grpc.RpcMethodHandler:
    def handle(request: Any, context: grpc.ServicerContext) -> Any:
        with script.lock:
            script.calls += 1
            code = script.failures.pop(0) if script.failures else script.fails_always
        if code is not None:
            if answer is _predict:
                script.requests.append(_read(request, context))
            context.abort(code, script.details)
        return answer(request, context, script)

    return grpc.unary_unary_rpc_method_handler(
        handle,
        request_deserializer=method.request.FromString,
        response_serializer=method.reply.SerializeToString,
    )


def _read(request: Any, context: grpc.ServicerContext) -> Request:
    return Request(
        signature=request.model_spec.signature_name,
        texts=list(from_tensor(request.inputs["text"])),
        spec=request.model_spec,
        remaining=context.time_remaining(),
        headers=dict(context.invocation_metadata()),
    )


def _predict(request: Any, context: grpc.ServicerContext, script: Script) -> Any:
    asked = _read(request, context)
    with script.lock:
        script.requests.append(asked)
        script.at_once += 1
        script.most_at_once = max(script.most_at_once, script.at_once)
    try:
        script.on_predict(asked, context)
    finally:
        with script.lock:
            script.at_once -= 1
    inputs = {name: list(from_tensor(tensor)) for name, tensor in request.inputs.items()}
    reply = PREDICT.reply()
    for name, array in script.answer(asked.signature, **inputs).items():
        reply.outputs[name].CopyFrom(to_tensor(array, as_content=script.as_content))
    reply.model_spec.CopyFrom(request.model_spec)
    return reply


def shout(signature: str, text: list[bytes], target: list[bytes] | None = None) -> Arrays:
    """Returns the outputs of a signature as NumPy arrays."""
    sources = [value.split() for value in text]
    targets = [
        value.split() if target else [word.upper() for word in value.split()]
        for value in target or text
    ]
    attention = np.zeros((len(text), _longest(targets), _longest(sources)), np.float32)
    for row, (words, shouted) in enumerate(zip(sources, targets, strict=True)):
        for position in range(len(shouted) + 1):
            attention[row, position, min(position, len(words))] = 1
    arrays = {
        "score": np.array([-len(words) for words in targets], np.float32),
        "source_tokens": _padded(sources),
        "target_tokens": _padded(targets),
        "attention": attention,
        "source_length": np.array([len(words) + 1 for words in sources], np.int32),
        "target_length": np.array([len(words) + 1 for words in targets], np.int32),
        "truncated": np.zeros(len(text), bool),
    }
    if signature == "source_attention":
        own = np.stack([np.eye(_longest(sources), dtype=np.float32)] * len(text))
        of_source = ("source_tokens", "source_length", "truncated")
        kept = {name: arrays[name] for name in of_source}
        return {**kept, "self_attention": own[:, None, None]}
    if signature == "score":
        log_probability = np.full((len(text), _longest(targets)), -0.5, np.float32)
        return {**arrays, "token_log_probability": log_probability}
    arrays["translation"] = np.array([b" ".join(words) for words in targets], object)
    if signature == "n_best":
        of_source = {"source_tokens", "source_length"}
        arrays = {
            name: array if name in of_source else np.stack([array] * BEAM, axis=1)
            for name, array in arrays.items()
        }
        arrays["score"] -= np.arange(BEAM, dtype=np.float32)
    return arrays


def _longest(sides: list[list[bytes]]) -> int:
    return max(map(len, sides)) + 1


def _padded(sides: list[list[bytes]]) -> np.ndarray:
    width = _longest(sides)
    return np.array(
        [[*words, b"</s>", *[b""] * (width - len(words) - 1)] for words in sides], object
    )


def _metadata(request: Any, context: grpc.ServicerContext, script: Script) -> Any:
    signatures = SignatureDefMap()
    for name in script.signature_names:
        for side, tensors in (
            ("inputs", CONTRACTS[name].inputs),
            ("outputs", CONTRACTS[name].outputs),
        ):
            for key, contract in tensors.items():
                info = getattr(signatures.signature_def[name], side)[key]
                info.dtype = _DTYPE_NUMBERS[contract.dtype]
                for _ in range(contract.ranks[0]):
                    info.tensor_shape.dim.add(size=-1)
    reply = GET_MODEL_METADATA.reply(model_spec=request.model_spec)
    reply.model_spec.version.value = VERSION
    reply.metadata["signature_def"].Pack(signatures)
    return reply


def _status(request: Any, context: grpc.ServicerContext, script: Script) -> Any:
    if request.model_spec.name != MODEL:
        context.abort(grpc.StatusCode.NOT_FOUND, f"Could not find {request.model_spec.name}")
    reply = GET_MODEL_STATUS.reply()
    reply.model_version_status.add(version=VERSION - 1, state=50).status.error_message = "too big"
    reply.model_version_status.add(version=VERSION, state=30)
    return reply
