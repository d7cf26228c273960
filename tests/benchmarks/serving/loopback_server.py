"""A server with a fake model in this process, for the programs that measure servers."""

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
"""Number of the version present from the start."""
SENTENCES = [b"sentence number %d" % number for number in range(16)]
_LONGEST = 200


def answer(texts: Sequence[bytes]) -> dict[str, np.ndarray]:
    """Returns the answer of every version of the loopback server."""
    return fake_answers(SERVING_DEFAULT, {"text": texts})


def load(path: str, number: int) -> LoadedModel:
    """Loads a version; all give the same answers.

    Like real models, it reads only the start of a text. It rejects examples.
    """
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
    """Makes the first version in a folder and serves it."""
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
