"""The parts of the model server's benchmark, each with a separate server."""

import enum
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.common.bars import Bar
from benchmarks.serving.calls import Answer
from benchmarks.serving.first_request import (
    first_request_bars,
    first_request_section,
    measure_first_requests,
)
from benchmarks.serving.hostile import attack, hostility_bars, hostility_section
from benchmarks.serving.latency import latency_bars, latency_section, measure_latency
from benchmarks.serving.load import load_bars, load_section, measure_loads
from benchmarks.serving.process import ServerProcess, add_version, started_server
from benchmarks.serving.reloads import measure_reloads, reload_bars, reload_section
from benchmarks.serving.soak import measure_soak, soak_bars, soak_section
from benchmarks.serving.versions import ModelFolder
from serving.contract.signatures import SERVING_DEFAULT
from serving.local.saved_model import SavedModel
from serving.versions.directory import ModelVersion

_RELOADED_SENTENCES = 256


class Part(enum.StrEnum):
    """A part that can be measured separately."""

    LATENCY = "latency"
    LOAD = "load"
    FIRST_REQUEST = "first-request"
    RELOADS = "reloads"
    HOSTILE = "hostile"
    SOAK = "soak"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Sizes of the measurements."""

    pairs: int
    seconds: float
    rounds: int
    first_requests: int
    reloads: int
    hostile_requests: int
    soak_minutes: float


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The input of all parts."""

    model: str
    """Name of the model."""
    version: ModelVersion
    options: Sequence[str]
    """Options of `nmt serve`, except those for its ports and its model."""
    sentences: Sequence[bytes]
    scale: Scale
    seed: int
    scratch: Path
    """A temporary folder."""

    @cached_property
    def _saved_model(self) -> SavedModel:
        return SavedModel(self.version.path, threads=1)  # as in the server

    def in_process(self, texts: Sequence[bytes]) -> Answer:
        """Calls the model in this process."""
        return self._saved_model.call(SERVING_DEFAULT, text=texts)

    @contextmanager
    def server(self, part: Part) -> Iterator[tuple[ServerProcess, ModelFolder]]:
        """Starts a server with a copy of the model for a part."""
        folder = ModelFolder(
            Path(self.version.path), self.scratch / part.value, self.version.number
        )
        folder.versions.mkdir()
        add_version(folder.export, folder.versions, folder.first)
        log = self.scratch / f"{part.value}.log"
        with started_server(self.model, folder.versions, log, self.options) as server:
            yield server, folder


@dataclass(frozen=True)
class Finding:
    """The result of a part."""

    section: str
    """In Markdown."""
    bars: list[Bar]


def measure(part: Part, measurement: Measurement) -> Finding:
    """Measures a part with a separate server.

    Raises:
      RunFailedError: the server failed a request it must answer, or did not start or end properly.
      UserError: the scale is too small.
    """
    print(f"{part} ...", file=sys.stderr)
    with measurement.server(part) as (server, folder):
        return _PROGRAMS[part](measurement, server, folder)


def _latency(measurement: Measurement, server: ServerProcess, _: ModelFolder) -> Finding:
    texts = measurement.sentences[: measurement.scale.pairs]
    found = measure_latency(measurement.in_process, server.endpoint, texts)
    return Finding(latency_section(found), latency_bars(found))


def _load(measurement: Measurement, server: ServerProcess, _: ModelFolder) -> Finding:
    found = measure_loads(
        measurement.in_process,
        server.endpoint,
        measurement.sentences,
        seconds=measurement.scale.seconds,
        rounds=measurement.scale.rounds,
    )
    return Finding(load_section(found), load_bars(found))


def _first_request(measurement: Measurement, server: ServerProcess, folder: ModelFolder) -> Finding:
    found = measure_first_requests(
        server.endpoint, folder, measurement.sentences, measurement.scale.first_requests
    )
    return Finding(first_request_section(found), first_request_bars(found))


def _reloads(measurement: Measurement, server: ServerProcess, folder: ModelFolder) -> Finding:
    texts = measurement.sentences[:_RELOADED_SENTENCES]
    found = measure_reloads(
        measurement.in_process, server.endpoint, folder, texts, measurement.scale.reloads
    )
    return Finding(reload_section(found), reload_bars(found))


def _hostile(measurement: Measurement, server: ServerProcess, _: ModelFolder) -> Finding:
    found = attack(
        server.endpoint,
        measurement.sentences,
        measurement.scale.hostile_requests,
        measurement.seed,
        server.exceptions,
    )
    return Finding(hostility_section(found), hostility_bars(found))


def _soak(measurement: Measurement, server: ServerProcess, folder: ModelFolder) -> Finding:
    found = measure_soak(
        measurement.in_process,
        server.endpoint,
        folder,
        measurement.sentences[:_RELOADED_SENTENCES],
        60 * measurement.scale.soak_minutes,
        measurement.scale.reloads,
    )
    return Finding(soak_section(found), soak_bars(found))


_PROGRAMS: dict[Part, Callable[[Measurement, ServerProcess, ModelFolder], Finding]] = {
    Part.LATENCY: _latency,
    Part.LOAD: _load,
    Part.FIRST_REQUEST: _first_request,
    Part.RELOADS: _reloads,
    Part.HOSTILE: _hostile,
    Part.SOAK: _soak,
}
