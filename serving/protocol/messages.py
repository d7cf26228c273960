"""TensorFlow Serving's gRPC protocol and TensorFlow's files, as messages without TensorFlow.

The package `tensorflow-serving-api` imports all of TensorFlow, and its service modules fail with
current versions of protobuf. `protocol.binpb`, made by `scripts/make_protocol.py`, holds its
declarations. They are loaded into a separate pool: TensorFlow registers the same files in
protobuf's default pool, and this accepts a second file of the same name only if it is identical to
the byte. So a process may use both.
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
    """A gRPC method with one request and one reply."""

    path: str
    """The name in gRPC: `/SERVICE/METHOD`."""
    request: Any
    """The request's message class."""
    reply: Any
    """The reply's message class."""


def _load() -> descriptor_pool.DescriptorPool:
    """Reads the declarations; they are ordered, each after its dependencies."""
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

PredictionLog = _named("tensorflow.serving.PredictionLog")
SavedModel = _named("tensorflow.SavedModel")
GraphDef = _named("tensorflow.GraphDef")
KernelList = _named("tensorflow.KernelList")
ConfigProto = _named("tensorflow.ConfigProto")
RewriterConfig = _named("tensorflow.RewriterConfig")
Example = _named("tensorflow.Example")


def _numbered(enumeration: str) -> Mapping[int, str]:
    return {value.number: value.name for value in POOL.FindEnumTypeByName(enumeration).values}


DATA_TYPES = _numbered("tensorflow.DataType")
"""TensorFlow's names for its dtypes, such as `DT_FLOAT`, by number."""
ERROR_CODES = _numbered("tensorflow.error.Code")
"""The names of its errors, such as `INVALID_ARGUMENT`, by number."""
