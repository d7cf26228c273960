import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.server.health_service import MOST_WATCHING, LimitedHealth
from tests.serving.server.fake_model import LONG, make_version, running_server, settings_for

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def test_streams_of_health_leave_room_for_requests(tmp_path) -> None:
    make_version(tmp_path, 3)
    question = health_pb2.HealthCheckRequest()
    with (
        running_server(settings_for(tmp_path)) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)
        open_streams = [stub.Watch(question, timeout=LONG) for _ in range(MOST_WATCHING)]
        assert {next(stream).status for stream in open_streams} == {SERVING}
        refused = [stub.Watch(question, timeout=LONG).exception(LONG) for _ in range(300)]
        assert {error.code() for error in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert {error.details() for error in refused} == {
            f"{MOST_WATCHING} health streams are open, and no more are allowed."
        }
        assert stub.Check(question, timeout=LONG).status == SERVING
        open_streams[0].cancel()
        end = time.monotonic() + LONG
        # The place is free a moment after the client has gone.
        while not _is_watching(stub.Watch(question, timeout=LONG)):
            assert time.monotonic() < end


def _is_watching(stream) -> bool:
    with suppress(grpc.RpcError):
        return next(stream).status == SERVING
    return False


def test_streams_that_end_while_the_status_changes_do_not_stop_the_server() -> None:
    service = LimitedHealth()
    server = grpc.server(ThreadPoolExecutor(2 * MOST_WATCHING))
    health_pb2_grpc.add_HealthServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    end = time.monotonic() + 3

    def change() -> None:
        while time.monotonic() < end:
            service.set("", SERVING)
            service.set("", NOT_SERVING)

    question = health_pb2.HealthCheckRequest()
    changing = threading.Thread(target=change, daemon=True)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        changing.start()
        stub = health_pb2_grpc.HealthStub(channel)
        while time.monotonic() < end:
            for stream in [stub.Watch(question, timeout=LONG) for _ in range(8)]:
                stream.cancel()
        changing.join(10)
        assert not changing.is_alive()
        stub.Check(question, timeout=10)
    server.stop(None)
