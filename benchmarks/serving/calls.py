"""Calls of the server for measurements: with plain stubs, and without retries."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import grpc
import numpy as np

from benchmarks.serving.process import Endpoint
from pipeline.errors import RunFailedError
from serving.contract.signatures import SERVING_DEFAULT
from serving.protocol.messages import PREDICT, Method, ModelSpec
from serving.protocol.tensors import from_tensor, write_tensor

Answer = Mapping[str, np.ndarray]
"""The outputs of a signature; strings are `bytes` objects."""
InProcess = Callable[[Sequence[bytes]], Answer]
"""Calls `serving_default` of the model in this process with texts [batch]."""

SECONDS_OF_REQUEST = 60.0
"""The deadline of a good request: longer than any should take, and a limit if the server hangs."""
CHANNEL_OPTIONS: list[tuple[str, Any]] = [
    # A proxy set in the environment cannot reach the loopback.
    ("grpc.enable_http_proxy", 0),
    # A separate connection for each channel, as for clients on several machines.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]


def open_channel(endpoint: Endpoint) -> grpc.Channel:
    """Opens a channel for use by threads."""
    return grpc.insecure_channel(endpoint.address, CHANNEL_OPTIONS)


def open_async_channel(endpoint: Endpoint) -> grpc.aio.Channel:
    """Opens a channel for the running event loop."""
    return grpc.aio.insecure_channel(endpoint.address, CHANNEL_OPTIONS)


def stub(channel: grpc.Channel | grpc.aio.Channel, method: Method) -> Any:
    """Returns a callable for a method, on a channel of either kind."""
    return channel.unary_unary(
        method.path,
        request_serializer=method.request.SerializeToString,
        response_deserializer=method.reply.FromString,
    )


def predict_request(model: str, texts: Sequence[bytes], signature: str = SERVING_DEFAULT) -> Any:
    """Makes a `PredictRequest` of a signature with the input `text`."""
    request = PREDICT.request(model_spec=ModelSpec(name=model, signature_name=signature))
    write_tensor(request.inputs["text"], np.array(texts, object))
    return request


def read_answer(reply: Any) -> Answer:
    """Reads all outputs of a `PredictResponse`."""
    return {name: from_tensor(tensor) for name, tensor in reply.outputs.items()}


def same_answers(first: Answer, second: Answer) -> bool:
    """Returns whether all outputs are equal, to the last bit."""
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name]) for name in first
    )


@contextlib.contextmanager
def converted_rpc_errors() -> Iterator[None]:
    """Raises RunFailedError if a good request fails."""
    try:
        yield
    except grpc.RpcError as error:
        raise RunFailedError(
            f"The server failed a good request: {error.code().name}, {error.details()}"
        ) from error
