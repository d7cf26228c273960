"""TensorFlow Serving's gRPC protocol without TensorFlow: its messages and its methods.

The package `tensorflow-serving-api` imports all of TensorFlow, and its service modules fail under
today's protobuf. What it declares lies in `protocol.binpb`, made by `scripts/make_protocol.py`, and
goes to a pool of its own: TensorFlow registers the same files in protobuf's default pool, which
takes no file twice unless both are alike to the byte. So a process may hold both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"


@dataclass(frozen=True)
class Method:
    """A gRPC method, one request to one reply."""

    path: str
    """As gRPC names it: `/SERVICE/METHOD`."""
    request: Any
    """The request's message class."""
    reply: Any
    """The reply's message class."""


def _load() -> descriptor_pool.DescriptorPool:
    """Reads the declarations, which come in an order in which each is made of earlier ones."""
    content = Path(__file__).with_name("protocol.binpb").read_bytes()
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(content).file:
        pool.Add(file)
    return pool


POOL = _load()
"""All declarations, for tools such as gRPC's server reflection."""


def _message(descriptor: Descriptor) -> Any:
    return message_factory.GetMessageClass(descriptor)


def _named(name: str) -> Any:
    return _message(POOL.FindMessageTypeByName(name))


def _methods(service: str) -> Mapping[str, Method]:
    return {
        method.name: Method(
            f"/{service}/{method.name}",
            _message(method.input_type),
            _message(method.output_type),
        )
        for method in POOL.FindServiceByName(service).methods
    }


_PREDICTION = _methods(PREDICTION_SERVICE)
_MODEL = _methods(MODEL_SERVICE)

PREDICT = _PREDICTION["Predict"]
GET_MODEL_METADATA = _PREDICTION["GetModelMetadata"]
GET_MODEL_STATUS = _MODEL["GetModelStatus"]

ModelSpec = _named("tensorflow.serving.ModelSpec")
TensorProto = _named("tensorflow.TensorProto")
SignatureDefMap = _named("tensorflow.serving.SignatureDefMap")
ModelVersionStatus = _named("tensorflow.serving.ModelVersionStatus")

DATA_TYPES: Mapping[int, str] = {
    value.number: value.name for value in POOL.FindEnumTypeByName("tensorflow.DataType").values
}
"""TensorFlow's names of its dtypes, such as `DT_FLOAT`, by number."""
