"""gRPC server reflection: tools such as grpcurl list the services and messages of the server."""

from collections.abc import Sequence

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from serving.protocol import messages

SERVICES = (
    messages.PREDICTION_SERVICE,
    messages.MODEL_SERVICE,
    health.SERVICE_NAME,
    reflection.SERVICE_NAME,
)


def add_reflection(server: grpc.Server) -> None:
    """Adds the reflection service to a server."""
    reflection.enable_server_reflection(SERVICES, server, pool=_pool())


def _pool() -> descriptor_pool.DescriptorPool:
    """Returns a pool with the files of all services; TensorFlow Serving's are in a separate one."""
    declared: dict[str, FileDescriptor] = {}
    for service in (messages.PREDICTION_SERVICE, messages.MODEL_SERVICE):
        _add(messages.POOL.FindServiceByName(service).file, declared)
    for file in (health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR):
        _add(file, declared)
    pool = descriptor_pool.DescriptorPool()
    for file in declared.values():
        copy = FileDescriptorProto()
        file.CopyToProto(copy)
        pool.Add(copy)
    return pool


def _add(file: FileDescriptor, declared: dict[str, FileDescriptor]) -> None:
    """Adds a file after its imports, each file once."""
    imported: Sequence[FileDescriptor] = file.dependencies
    for each in imported:
        _add(each, declared)
    declared.setdefault(file.name, file)
