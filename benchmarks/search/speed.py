"""Compares the speed of exported models, in turn, in this process.

    python -m benchmarks.search.speed --text sentences.txt --threads 1 EXPORT [EXPORT ...]

CTranslate2 is measured too if it is installed. The last line is JSON.
"""

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.common.machine import describe_this_machine
from benchmarks.common.program import run_program
from benchmarks.common.tables import number, table
from benchmarks.search.other_library import is_installed, load_transformer
from pipeline.errors import UserError
from serving.contract.signatures import SERVING_DEFAULT
from serving.local.saved_model import SavedModel

BATCH_SIZES = (1, 8, 32, 100)
_SENTENCES = 100
"""Sentences of a measurement, or one batch."""
_FEWEST_BATCHES = 24
_QUICK_ROUNDS = 3
_OTHER_LENGTH = 15
"""Subwords of a translation by CTranslate2, as many as the captions of Multi30k have in German."""

Translate = Callable[[Sequence[bytes]], object]


def batches_of(sentences: Sequence[bytes], size: int) -> list[Sequence[bytes]]:
    """Cuts sentences into batches of equal size, of mixed lengths."""
    count = max(1, min(_SENTENCES // size, _FEWEST_BATCHES))
    order = np.random.default_rng(1).permutation(len(sentences))
    rows = np.resize(order, [count, size])
    return [[sentences[row] for row in batch] for batch in rows]


def measure(
    systems: Mapping[str, Translate], batches: Sequence[Sequence[bytes]], rounds: int
) -> dict[str, list[float]]:
    """Translates the batches with each system in turn.

    Returns:
      For each system the sentences per second of each round.
    """
    sentences = sum(map(len, batches))
    for translate in systems.values():
        for batch in batches:  # the first batch of a shape prepares its products
            translate(batch)
    speeds: dict[str, list[float]] = {name: [] for name in systems}
    for _ in range(rounds):
        for name, translate in systems.items():
            started = time.perf_counter()
            for batch in batches:
                translate(batch)
            speeds[name].append(sentences / (time.perf_counter() - started))
    return speeds


def _exported(folder: str, threads: int) -> Translate:
    model = SavedModel(folder, threads)
    return lambda texts: model.call(SERVING_DEFAULT, text=texts)


def _cell(speeds: Sequence[float]) -> str:
    middle, low, high = statistics.median(speeds), min(speeds), max(speeds)
    return f"{number(middle, 0)} ({number(low, 0)} to {number(high, 0)})"


def main(
    exports: Annotated[list[str], typer.Argument(metavar="EXPORT...", help="Exported models.")],
    text: Annotated[Path, typer.Option(metavar="FILE", help="Sentences, one in each line.")],
    threads: Annotated[int, typer.Option(min=1, help="Threads of a call.")] = 1,
    rounds: Annotated[int, typer.Option(min=1, help="Measurements of each system.")] = 7,
    quick: Annotated[bool, typer.Option("--quick", help="Three rounds.")] = False,
) -> None:
    """Compare the speed of exported models, by the number of sentences in a call."""
    sentences = [line for line in text.read_bytes().splitlines() if line.strip()]
    if not sentences:
        raise UserError(f"{text} has no sentences.")
    systems = {folder: _exported(folder, threads) for folder in exports}
    if is_installed():
        for kind in ("int8", "float32"):
            name = f"CTranslate2, {kind}"
            systems[name] = load_transformer(kind, threads, 5, _OTHER_LENGTH)
    found = {
        size: measure(systems, batches_of(sentences, size), _QUICK_ROUNDS if quick else rounds)
        for size in BATCH_SIZES
    }
    rows = [
        [name, *(_cell(found[size][name]) for size in BATCH_SIZES)] for name in systems
    ]  # fmt: skip
    print(table(["sentences a second", *(f"batch of {size}" for size in BATCH_SIZES)], rows))
    first = exports[0]
    ratios = {
        name: {
            str(size): round(
                statistics.median(
                    mine / its
                    for mine, its in zip(found[size][name], found[size][first], strict=True)
                ),
                2,
            )
            for size in BATCH_SIZES
        }
        for name in systems
    }
    told = {"machine": describe_this_machine(), "threads": threads, "ratios": ratios}
    print(json.dumps(told))


if __name__ == "__main__":
    run_program(main)
