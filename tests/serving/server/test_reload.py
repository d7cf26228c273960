"""New versions while clients translate: no request fails, and no answer mixes versions."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from serving.protocol import messages
from serving.protocol.tensors import to_tensor
from serving.server.loading import load_model
from tests.serving.server.fake_model import (
    NAME,
    fake_load,
    make_version,
    running_server,
    settings_for,
    wait_for,
)
from tests.serving.standin_model import export_standin

RELOADS = 20
CLIENTS = 4


class Clients:
    """Threads that translate without pause until the end of the `with` block."""

    def __init__(self, port: int):
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._predict = self._channel.unary_unary(
            messages.PREDICT.path,
            request_serializer=messages.PREDICT.request.SerializeToString,
            response_deserializer=messages.PREDICT.reply.FromString,
        )
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(CLIENTS)]
        self.answers: list[tuple[bytes, int, bytes]] = []
        """For each request, the text, the version named in the answer, and the translation."""
        self.errors: list[grpc.RpcError] = []

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._channel.close()

    def versions(self) -> set[int]:
        return {version for _, version, _ in list(self.answers)}

    def _run(self, number: int) -> None:
        count = 0
        while not self._stopped.is_set():
            count += 1
            text = b"mat %d %s" % (number, b"cat " * (count % 5))
            request = messages.PREDICT.request()
            request.model_spec.name = NAME
            request.inputs["text"].CopyFrom(to_tensor(np.array([text], object)))
            try:
                response = self._predict(request)
            except grpc.RpcError as error:
                self.errors.append(error)
                return
            (translation,) = response.outputs["translation"].string_val
            self.answers.append((text, response.model_spec.version.value, translation))


def _reload(folder: Path, make: Callable[[int], object], clients: Clients, number: int) -> None:
    """Adds a version and waits until clients get its answers."""
    make(number)
    wait_for(lambda: number in clients.versions() or bool(clients.errors))


@pytest.mark.long
def test_twenty_reloads_under_load_fail_nobody_and_mix_nothing_up(tmp_path):
    make_version(tmp_path, 1)
    with running_server(settings_for(tmp_path), fake_load) as server:
        with Clients(server.port) as clients:
            for number in range(2, 2 + RELOADS):
                _reload(tmp_path, lambda each: make_version(tmp_path, each), clients, number)
        states = {status.number: status.state.name for status in server.versions.statuses()}
    assert clients.errors == []
    for text, version, translation in clients.answers:
        assert translation == b"%d:" % version + text.upper()
    assert states == {**dict.fromkeys(range(1, 1 + RELOADS), "END"), 1 + RELOADS: "AVAILABLE"}


def test_real_models_are_reloaded_under_load(tmp_path):
    export, folder = export_standin(tmp_path / "standin"), tmp_path / "models"

    def make(number: int) -> None:
        shutil.copytree(export, tmp_path / "on its way")
        (tmp_path / "on its way").rename(folder / str(number))

    folder.mkdir()
    make(1)
    with (
        running_server(settings_for(folder), load_model) as server,
        Clients(server.port) as clients,
    ):
        for number in (2, 3):
            _reload(folder, make, clients, number)
    assert clients.errors == []
    for text, _, translation in clients.answers:
        words = text.decode().split()
        assert translation.decode() == " ".join(
            {"mat": "Matte", "cat": "Katze"}.get(word, word) for word in words
        )
