"""Measures time and memory of the import of made-up text, for a number of pairs and ten times that.

    python -m benchmarks.data.importing --pairs 100000

Each import runs in a process of its own, from a TSV file to a corpus folder. Seconds are those of
the processor, so other work on the machine matters less. The last line is JSON.
"""

import json
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.common.machine import describe_this_machine
from benchmarks.common.program import run_program
from benchmarks.data.preparing import measure, write_text

_FACTOR = 10
_QUICK_PAIRS = 2_000
_TEXT, _CORPUS = "text.tsv", "corpus"


def import_text(folder: Path) -> dict[str, float]:
    """Imports the text of a folder; returns the processor seconds of each step."""
    from pipeline.corpora.folder import write_corpus
    from pipeline.corpora.parallel_files import corpus_of_pairs, read_tsv

    times = [time.process_time()]
    read = read_tsv(folder / _TEXT)
    times.append(time.process_time())
    corpus = corpus_of_pairs(
        read, name=_CORPUS, languages=("en", "de"), licence="none", origin="made up"
    )
    times.append(time.process_time())
    write_corpus(corpus, folder / _CORPUS)
    times.append(time.process_time())
    read_seconds, split_seconds, write_seconds = (end - start for start, end in pairwise(times))
    return {
        "read": read_seconds,
        "split": split_seconds,
        "write": write_seconds,
        "seconds": times[-1] - times[0],
    }


def main(
    pairs: Annotated[int, typer.Option(min=1000, help="Pairs of sentences.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Seed of the made-up text.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="2,000 and 20,000 pairs only.")] = False,
) -> None:
    """Measure the import of pairs, and of ten times as many."""
    pairs = _QUICK_PAIRS if quick else pairs
    found: dict[int, dict[str, Any]] = {}
    print(f"{'pairs':>10} {'read, s':>9} {'split, s':>9} {'write, s':>9} {'all, s':>9} {'GB':>6}")
    for count in (pairs, _FACTOR * pairs):
        with tempfile.TemporaryDirectory() as name:
            write_text(Path(name) / _TEXT, count, seed)
            found[count] = measure(import_text, Path(name))
        row = (found[count][column] for column in ("read", "split", "write", "seconds"))
        cells = " ".join(f"{seconds:9.1f}" for seconds in row)
        print(f"{count:10,} {cells} {found[count]['gb']:6.2f}")
    few, many = (found[count]["seconds"] / count for count in found)
    print(
        json.dumps(
            {
                "machine": describe_this_machine(),
                "imports": {str(count): each for count, each in found.items()},
                "time_per_pair_ratio": round(many / few, 2),
            }
        )
    )


if __name__ == "__main__":
    run_program(main)
