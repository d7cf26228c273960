"""A server of a fake model in this process, as the programs that measure servers see it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.serving.process import Endpoint
from benchmarks.serving.versions import ModelFolder
from serving.contract.signatures import SERVE_EXAMPLES, SERVING_DEFAULT
from serving.server.directory_watcher import Load
from serving.server.errors import invalid
from serving.server.loaded_model import LoadedModel, LoadedSignature
from serving.server.slicing import Inputs
from tests.serving.server.fake_model import (
    NAME,
    fake_answers,
    fake_load,
    make_version,
    running_server,
    settings_for,
)

FIRST = 1
"""The version that is there from the start."""
SENTENCES = [b"sentence number %d" % number for number in range(16)]
_LONGEST = 200


def answer(texts: Sequence[bytes]) -> dict[str, np.ndarray]:
    """Answers texts as every version of the loopback server does."""
    return fake_answers(SERVING_DEFAULT, {"text": texts})


def load(path: str, number: int) -> LoadedModel:
    """Loads a version that answers like all others, reads the start of a text alone, as real models
    do, and knows no example."""
    model = fake_load(path, number)

    def refuse(inputs: Inputs) -> dict[str, np.ndarray]:
        raise invalid("This is no example.")

    examples = LoadedSignature(
        SERVE_EXAMPLES, ("examples",), ("translation",), shares_batches=True, call=refuse
    )
    signatures = {name: _reading_the_start(each) for name, each in model.signatures.items()}
    return replace(model, signatures=signatures | {SERVE_EXAMPLES: examples})


@contextmanager
def loopback_server(folder: Path, load: Load = load) -> Iterator[tuple[Endpoint, ModelFolder]]:
    """Serves from a folder, in which it makes the first version."""
    versions = folder / "models"
    versions.mkdir()
    export = make_version(folder, 7)
    make_version(versions, FIRST)
    with running_server(settings_for(versions), load) as server:
        endpoint = Endpoint(NAME, "127.0.0.1", server.port, server.rest_port, os.getpid())
        yield endpoint, ModelFolder(export, versions, FIRST)


def _reading_the_start(signature: LoadedSignature) -> LoadedSignature:
    def call(inputs: Inputs) -> dict[str, np.ndarray]:
        starts = {name: [text[:_LONGEST] for text in texts] for name, texts in inputs.items()}
        return fake_answers(signature.name, starts)

    return replace(signature, call=call)
