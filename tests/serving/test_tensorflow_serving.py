"""Our export, client and settings with the real TensorFlow Serving: `make test-serving`."""

import itertools
import logging
import os
import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest

from serving.client import RetryPolicy, Tls, TranslationClient, Unavailable
from serving.protocol.messages import PREDICT, ModelSpec
from serving.protocol.tensors import write_tensor
from serving.versions.directory import list_versions
from tests.serving.client.certificates import make_certificates
from tests.serving.standin_model import export_standin
from tests.serving.tensorflow_model_server import (
    SERVING,
    RealServer,
    needs_model_server,
    real_server,
    wait_until_loaded,
)

pytestmark = [needs_model_server, pytest.mark.slow]

_LOG = logging.getLogger(__name__)
NAME = "standin"
TEXTS = ["the cat", "", "a", "the cat sees the mat", "the mat sees the cat sees the mat", "cat"] * 8


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory with one version."""
    folder = tmp_path_factory.mktemp("models")
    export_standin(folder / NAME / "1")
    return folder / NAME


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with real_server(models, tmp_path_factory.mktemp("logs")) as server:
        yield server


def request(value: np.ndarray) -> object:
    request = PREDICT.request(model_spec=ModelSpec(name=NAME, signature_name="serving_default"))
    write_tensor(request.inputs["text"], value)
    return request


def texts(*shape: int) -> np.ndarray:
    return np.full(shape, b"the cat", object)


def method(channel: grpc.Channel) -> grpc.UnaryUnaryMultiCallable:
    return channel.unary_unary(
        PREDICT.path,
        request_serializer=PREDICT.request.SerializeToString,
        response_deserializer=PREDICT.reply.FromString,
    )


def is_healthy(server: RealServer) -> bool:
    """Runs the probe of the manifests and of Compose."""
    script = SERVING / "config/translate.sh"
    command = ["bash", str(script), NAME, str(server.rest_port)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


def test_requests_without_texts_stop_grpc_until_the_probe_translates(
    models: Path, tmp_path: Path
) -> None:
    with (
        real_server(models, tmp_path, flags=["--grpc_max_threads=8"]) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        predict = method(channel)
        stuck = [predict.future(request(texts(0)), timeout=60) for _ in range(20)]
        time.sleep(2)
        with pytest.raises(grpc.RpcError, match="Server Threadpool Exhausted"):
            predict(request(texts(1)), timeout=20)
        assert server.rest(f"/v1/models/{NAME}/metadata")[0] == 200
        assert is_healthy(server)
        assert predict(request(texts(1)), timeout=20).outputs
        assert all(call.exception() or call.result().outputs for call in stuck)


def test_the_probe_fails_without_the_model(server: RealServer) -> None:
    assert is_healthy(server)
    script = SERVING / "config/translate.sh"
    for model, port in (("other", server.rest_port), (NAME, 1)):
        command = ["bash", str(script), model, str(port)]
        assert subprocess.run(command, capture_output=True, check=False).returncode != 0


@pytest.fixture
def malformed(server: RealServer) -> Iterator[Callable[[], set[str]]]:
    """Clients that send malformed requests without pause; gives what they were answered."""
    ends, answers = threading.Event(), set()

    def send(value: np.ndarray) -> None:
        with grpc.insecure_channel(server.address) as channel:
            predict = method(channel)
            while not ends.is_set():
                try:
                    predict(request(value), timeout=60)
                except grpc.RpcError as error:
                    answers.add(error.code().name)

    values = [texts(1, 1), np.array([3], np.int32), texts(33), texts(1, 1)]
    with ThreadPoolExecutor(len(values)) as pool:
        running = [pool.submit(send, value) for value in values]
        yield lambda: answers
        ends.set()
        for each in running:
            each.result()


def test_no_request_of_our_client_fails_for_those_of_others(
    server: RealServer, malformed: Callable[[], set[str]]
) -> None:
    def translate(_: int) -> list[str]:
        with TranslationClient(server.address, NAME) as client:
            return [found.text for found in client.translate(TEXTS)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(translate, range(40)))
    assert answers.count(answers[0]) == len(answers)
    assert {"INVALID_ARGUMENT", "FAILED_PRECONDITION"} <= malformed()


def test_eighty_callers_at_once_are_answered(server: RealServer) -> None:
    def call(_: int) -> int:
        with grpc.insecure_channel(server.address) as channel:
            predict = method(channel)
            return sum(bool(predict(request(texts(1)), timeout=60).outputs) for _ in range(5))

    with ThreadPoolExecutor(80) as pool:
        assert sum(pool.map(call, range(80))) == 400


def test_a_fresh_server_does_not_start_beside_a_newest_version_without_its_graph(
    models: Path, tmp_path: Path
) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    (folder / "1").symlink_to(models / "1")
    (folder / "2/variables").mkdir(parents=True)
    # With the shipped flags it first tries again for five minutes, and opens no port either.
    flags = ["--max_num_load_retries=0"]
    with real_server(folder, tmp_path, flags=flags, starts=False) as server:
        assert server.process.wait(timeout=60) != 0
    [whole, broken] = list_versions(folder)
    assert (whole.problem, broken.problem) == (None, "saved_model.pb is missing or empty")
    (folder / "2").rename(tmp_path / "elsewhere")
    with real_server(folder, tmp_path) as server:
        (tmp_path / "elsewhere").rename(folder / "2")
        time.sleep(3)
        wait_until_loaded(server)
        assert is_healthy(server)


def test_a_large_request_that_is_divided_aborts_the_server(models: Path, tmp_path: Path) -> None:
    # Why config/batching.config keeps enable_large_batch_splitting false.
    config = tmp_path / "batching.config"
    text = (SERVING / "config/batching.config").read_text(encoding="utf-8")
    text = text.replace("{ value: false }", "{ value: true }")
    config.write_text(f"{text}max_execution_batch_size {{ value: 8 }}\n", encoding="utf-8")
    flags = [f"--batching_parameters_file={config}"]
    with real_server(models, tmp_path, flags=flags) as server:
        lengths = [" ".join(["cat"] * (1 + number // 8)) for number in range(32)]
        value = np.array([text.encode() for text in lengths], object)
        with grpc.insecure_channel(server.address) as channel:
            assert method(channel).future(request(value), timeout=60).exception()
        assert server.process.wait(timeout=60) != 0


def test_clients_of_the_canary_overlay_are_answered_by_the_version_of_their_label(
    models: Path, tmp_path: Path
) -> None:
    text = (SERVING / "overlays/canary/models.config").read_text(encoding="utf-8")
    stable, canary = re.findall(r"value: (\d+)", text)
    for version in (stable, canary, "9999999999"):  # the newest is not named, so not served
        (tmp_path / NAME / version).parent.mkdir(exist_ok=True)
        (tmp_path / NAME / version).symlink_to(models / "1")
    config = tmp_path / "models.config"
    text = text.replace('"debian"', f'"{NAME}"').replace("/models/debian", f"{tmp_path / NAME}")
    config.write_text(text, encoding="utf-8")
    flags = [f"--model_config_file={config}"]
    with real_server(tmp_path / NAME, tmp_path, flags=flags) as server:
        for label, version in (("stable", stable), ("canary", canary)):
            with TranslationClient(server.address, NAME, label=label) as client:
                assert client.translate(["the cat"])[0].text
                assert client.metadata().version == int(version)


def test_the_tls_overlay_encrypts_grpc(models: Path, tmp_path: Path) -> None:
    certificates = make_certificates()
    files = {"tls.key": certificates.server.key, "tls.crt": certificates.server.certificate}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    script = SERVING / "overlays/tls/ssl_config.sh"
    config = tmp_path / "ssl.config"
    with config.open("wb") as output:
        subprocess.run(["sh", script, *files], cwd=tmp_path, stdout=output, check=True)
    with real_server(models, tmp_path, flags=[f"--ssl_config_file={config}"]) as server:
        address = f"localhost:{server.port}"
        tls = Tls(root_certificates=certificates.authority)
        with TranslationClient(address, NAME, tls=tls) as client:
            assert client.translate(["the cat"])[0].text
        once = RetryPolicy(attempts=1)
        with TranslationClient(address, NAME, retry=once) as client, pytest.raises(Unavailable):
            client.translate(["the cat"])


def test_the_alerts_read_metrics_of_the_server(server: RealServer) -> None:
    alerts = (SERVING / "monitoring/alerts.yaml").read_text(encoding="utf-8")
    with TranslationClient(server.address, NAME) as client:
        client.translate(["the cat"])
    found = server.rest("/monitoring/prometheus/metrics")[1].decode()
    names = set(re.findall(r":tensorflow:[a-z_:]+", alerts))
    assert len(names) == 3
    assert names <= set(re.findall(r"^(:tensorflow:[a-z_:]+)", found, re.MULTILINE))


CALLERS = 80
REQUESTS = int(os.environ.get("NMT_TEST_REQUESTS", "4000"))
GOOD_TEXTS = [f"the {animal} sees the mat" for animal in ("cat", "mat", "cat cat", "mat mat")]


def test_no_good_request_is_lost_among_malformed_ones_over_three_new_versions(
    models: Path, tmp_path: Path
) -> None:
    folder = tmp_path / NAME
    shutil.copytree(models / "1", folder / "1")
    done, ends = itertools.count(), threading.Event()
    unhealthy: list[float] = []

    def good() -> set[tuple[str, ...]]:
        answers = set()
        with TranslationClient(server.address, NAME) as client:
            while next(done) < REQUESTS:
                answers.add(tuple(found.text for found in client.translate(GOOD_TEXTS)))
        return answers

    def bad(caller: int) -> Counter[str]:
        values = [texts(0), texts(1, 1), np.array([3], np.int32), texts(33), texts(1)]
        statuses: Counter[str] = Counter()
        with grpc.insecure_channel(server.address) as channel:
            predict = method(channel)
            while not ends.is_set():
                try:
                    predict(request(values[caller % len(values)]), timeout=60)
                    statuses["OK"] += 1
                except grpc.RpcError as error:
                    statuses[error.code().name] += 1
                time.sleep(0.02 if caller % 4 else 0.2)  # some read slowly
        return statuses

    def probe() -> None:
        while not ends.wait(0.5):
            if not is_healthy(server):
                unhealthy.append(time.monotonic())

    with real_server(folder, tmp_path) as server, ThreadPoolExecutor(CALLERS + 1) as pool:
        probing = pool.submit(probe)
        bads = [pool.submit(bad, caller) for caller in range(CALLERS // 4)]
        goods = [pool.submit(good) for _ in range(CALLERS - len(bads))]
        for version in ("2", "3", "4"):
            shutil.copytree(models / "1", tmp_path / version)
            (tmp_path / version).rename(folder / version)
            time.sleep(4)
        answers = set().union(*(each.result() for each in goods))
        ends.set()
        statuses = sum((each.result() for each in bads), Counter())
        probing.result()
        state = server.rest(f"/v1/models/{NAME}")[1]
    assert len(answers) == 1
    # UNAVAILABLE: the connection reached its greatest age, and this client does not retry.
    others = {"FAILED_PRECONDITION", "INTERNAL", "UNAVAILABLE"}
    assert set(statuses) - others == {"OK", "INVALID_ARGUMENT"}, statuses
    _LOG.info("%d good requests, and of the others %s", REQUESTS, dict(statuses))
    assert not unhealthy
    assert b'"version": "4",\n   "state": "AVAILABLE"' in state
