"""A model without TensorFlow, its versions on disk, and a server for it in a thread."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from serving.contract.signatures import CONTRACTS, N_BEST, SCORE, SERVING_DEFAULT
from serving.protocol import messages
from serving.server.directory_watcher import Load, Report
from serving.server.errors import invalid
from serving.server.loaded_model import LoadedModel, LoadedSignature
from serving.server.server import Ending, ModelServer
from serving.server.settings import BatchSettings, ServerSettings
from serving.server.slicing import Inputs

NAME = "debian"
BEAM = 2
GRAPH = b"\x08\x01\x12\x02\x0a\x00"
"""The shortest SavedModel: a schema version, and one empty graph."""
LONG = 30.0
"""Seconds of a wait; then the test fails."""
REFUSED = b"refuse me"
"""A text on which the fake model fails, together with the rest of its batch."""


def fake_answers(signature: str, inputs: Inputs, tag: str = "") -> dict[str, np.ndarray]:
    """Returns answers in the form of the contract, padded to the longest text.

    A source has one token for each word, and its target one more; the attention of token t on
    source s is 1 / (1 + t + s). The translation is the tag followed by the text in capitals.
    """
    texts = inputs["text"]
    if REFUSED in texts:
        raise invalid("The model refuses this text.")
    sources = [text.split() for text in texts]
    targets = [[*words, b"</s>"] for words in sources]
    source_tokens, target_tokens = _padded(sources), _padded(targets)
    source_length = np.array([len(words) for words in sources], np.int32)
    target_length = np.array([len(words) for words in targets], np.int32)
    place = np.add.outer(np.arange(target_tokens.shape[1]), np.arange(source_tokens.shape[1]))
    is_real = (place[:, :1] < target_length[:, None, None]) & (
        place[:1] < source_length[:, None, None]
    )
    outputs = {
        "translation": np.array([tag.encode() + text.upper() for text in texts], object),
        "score": -target_length.astype(np.float32),
        "source_tokens": source_tokens,
        "target_tokens": target_tokens,
        "attention": np.where(is_real, 1 / (1 + place), 0).astype(np.float32),
        "source_length": source_length,
        "target_length": target_length,
        "truncated": np.zeros(len(texts), bool),
    }
    if signature == N_BEST:
        per_source = ("source_tokens", "source_length")
        return {
            name: values if name in per_source else np.stack([values] * BEAM, axis=1)
            for name, values in outputs.items()
        }
    if signature == SCORE:
        real = np.arange(target_tokens.shape[1]) < target_length[:, None]
        log_probability = np.where(real, -0.5, 0).astype(np.float32)
        return {**_without(outputs, "translation"), "token_log_probability": log_probability}
    return outputs


def _padded(rows: list[list[bytes]]) -> np.ndarray:
    table = np.full((len(rows), max(map(len, rows), default=0)), b"", object)
    for row, words in enumerate(rows):
        table[row, : len(words)] = words
    return table


def _without(outputs: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {each: values for each, values in outputs.items() if each != name}


def fake_signature(name: str, tag: str = "") -> LoadedSignature:
    contract = CONTRACTS[name]
    return LoadedSignature(
        name,
        tuple(contract.inputs),
        tuple(contract.outputs),
        shares_batches=True,
        call=lambda inputs: fake_answers(name, inputs, tag),
    )


def fake_load(path: str, number: int) -> LoadedModel:
    """Loads a version; its translations start with its number."""
    names = (SERVING_DEFAULT, N_BEST, SCORE)
    definitions = messages.SignatureDefMap()
    for name in names:
        definitions.signature_def[name].method_name = "tensorflow/serving/predict"
    signatures = {name: fake_signature(name, f"{number}:") for name in names}
    return LoadedModel(number, signatures, definitions, close=lambda: None)


class SlowModel:
    """Loads a version that records its inputs, and waits for `may_answer` before it answers."""

    def __init__(self) -> None:
        self.asked: list[list[bytes]] = []
        self.started = threading.Semaphore(0)
        self.may_answer = threading.Event()

    def load(self, path: str, number: int) -> LoadedModel:
        model = fake_load(path, number)
        slow = replace(model.signatures[SERVING_DEFAULT], call=self._answer)
        return replace(model, signatures={SERVING_DEFAULT: slow})

    def _answer(self, inputs: Inputs) -> dict[str, np.ndarray]:
        self.asked.append(list(inputs["text"]))
        self.started.release()
        assert self.may_answer.wait(LONG)
        return fake_answers(SERVING_DEFAULT, inputs)


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits until a condition, fulfilled by another thread, holds."""
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def make_version(folder: Path, number: int) -> Path:
    """Writes the folder of a seemingly complete version, and moves it into place."""
    making = folder / f"making-{number}"
    (making / "variables").mkdir(parents=True)
    (making / "saved_model.pb").write_bytes(GRAPH)
    (making / "variables/variables.index").write_bytes(b"index")
    (making / "variables/variables.data-00000-of-00001").write_bytes(b"values")
    return making.rename(folder / str(number))


def settings_for(folder: Path, **changes: object) -> ServerSettings:
    """Returns settings with free ports and short waits."""
    settings = ServerSettings(
        model_name=NAME,
        model_directory=str(folder),
        port=0,
        rest_port=0,
        poll_seconds=0.02,
        settle_seconds=0.0,
        linger_seconds=0.0,
        grace_seconds=10.0,
        batching=BatchSettings(),
    )
    return replace(settings, **changes)  # type: ignore[arg-type]


class RunningServer(ModelServer):
    """A server in a separate thread."""

    ending: Ending | None = None

    async def live(self, started: Callable[[], None]) -> None:
        """Runs until `end` is called."""
        self._told, self._loop = asyncio.Event(), asyncio.get_running_loop()
        await self.start()
        started()
        await self._told.wait()
        self.ending = await self.stop()

    def end(self) -> None:
        """Ends the server, like a signal."""
        with suppress(RuntimeError):  # the server has already ended
            self._loop.call_soon_threadsafe(self._told.set)


@contextmanager
def running_server(
    settings: ServerSettings, load: Load = fake_load, report: Report = lambda sentence: None
) -> Iterator[RunningServer]:
    """Runs a server in a thread; raises the errors of its start."""
    server = RunningServer(settings, report, load)
    is_started = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        life = pool.submit(lambda: asyncio.run(server.live(is_started.set)))
        life.add_done_callback(lambda _: is_started.set())
        try:
            assert is_started.wait(LONG)
            if life.done():
                life.result()
            yield server
        finally:
            server.end()
            life.result(LONG)
