"""gRPC server reflection: tools such as grpcurl list the services and messages of the server."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

from serving.protocol import messages

SERVICES = (
    messages.PREDICTION_SERVICE,
    messages.MODEL_SERVICE,
    health.SERVICE_NAME,
    reflection.SERVICE_NAME,
)
_MOST_STREAMS = 8
"""Each stream holds a thread while it is open, even if it asks nothing."""


def add_reflection(server: grpc.Server, seconds: float) -> None:
    """Adds the reflection service to a server.

    Args:
      server: the server.
      seconds: the longest time for a stream.
    """
    service = _LimitedReflection(SERVICES, _pool(), seconds)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(service, server)


class _LimitedReflection(reflection.ReflectionServicer):
    """Leaves the threads to the requests for translations."""

    def __init__(
        self, services: Sequence[str], pool: descriptor_pool.DescriptorPool, seconds: float
    ):
        super().__init__(services, pool)
        self._seconds = seconds
        self._free = threading.Semaphore(_MOST_STREAMS)

    def ServerReflectionInfo(
        self, request_iterator: Iterator[Any], context: grpc.ServicerContext
    ) -> Iterator[Any]:
        """Answers the questions of a stream until its time is over."""
        if not self._free.acquire(blocking=False):
            context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{_MOST_STREAMS} reflection streams are open, and no more are allowed.",
            )
        timer = threading.Timer(self._seconds, context.cancel)
        timer.daemon = True
        timer.start()
        try:
            yield from super().ServerReflectionInfo(request_iterator, context)
        finally:
            timer.cancel()
            self._free.release()


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
