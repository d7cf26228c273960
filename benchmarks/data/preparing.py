"""Measures the steps before the training on made-up text, beside a bare word count in Beam.

    python -m benchmarks.data.preparing --pairs 500000

Each step runs in a process of its own. SentencePiece is measured if it is installed. The last line
is JSON.
"""

import contextlib
import importlib.util
import json
import multiprocessing
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.common.machine import describe_this_machine
from benchmarks.common.program import run_program
from pipeline.errors import RunFailedError
from trainer.byte_pair_encoding import learn_pieces
from trainer.settings import SubwordSettings

_WORDS = 200_000
_ZIPF_OFFSET, _ZIPF_EXPONENT = 2.7, 1.1
"""The share of a word falls with its rank plus the offset (Mandelbrot), to the power."""
_LOG_LENGTH, _LOG_DEVIATION, _MOST_WORDS = 2.3, 0.6, 60
"""Of the words of a sentence."""
_PAIRS_AT_ONCE = 20_000
_QUICK_PAIRS = 20_000
_CORPUS, _NAME = "corpus", "made-up"
_POLL_SECONDS = 0.1


class _Stopwatch:
    """Measures from its making on."""

    def __init__(self) -> None:
        self._started = time.monotonic(), sum(os.times()[:4])

    def read(self) -> dict[str, float]:
        """Returns the seconds so far, and those of all processors together."""
        started, used = self._started
        return {"seconds": time.monotonic() - started, "cpu": sum(os.times()[:4]) - used}


def write_text(path: Path, pairs: int, seed: int) -> None:
    """Writes made-up lines of `source<TAB>target`, with the words frequent by Zipf's law.

    Args:
      path: the file.
      pairs: number of pairs.
      seed: seed of the text.
    """
    rng = np.random.default_rng(seed)
    languages = [_made_words(rng) for _ in range(2)]
    shares = np.cumsum((np.arange(_WORDS) + _ZIPF_OFFSET) ** -_ZIPF_EXPONENT)
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, pairs, _PAIRS_AT_ONCE):
            count = min(_PAIRS_AT_ONCE, pairs - start)
            lengths = rng.lognormal(_LOG_LENGTH, _LOG_DEVIATION, count).astype(int)
            ends = [0, *np.cumsum(np.clip(lengths, 1, _MOST_WORDS)).tolist()]
            sides = []
            for words in languages:
                ranks = np.searchsorted(shares, rng.random(ends[-1]) * shares[-1])
                chosen = words[ranks].tolist()
                sides.append([f"{' '.join(chosen[a:b]).capitalize()}." for a, b in pairwise(ends)])
            file.writelines(f"{source}\t{target}\n" for source, target in zip(*sides, strict=True))


def _made_words(rng: np.random.Generator) -> np.ndarray:
    """Makes different words, the frequent ones of fewer syllables."""
    onsets = [*"bdfgklmnprstvwz", "sch", "st"]
    parts = [onset + nucleus for onset in onsets for nucleus in ("a", "e", "ei", "i", "o", "ü")]
    syllables = np.array([part + coda for coda in ("", "n", "r", "st") for part in parts])
    words: dict[str, None] = {}
    while len(words) < _WORDS:
        counts = 1 + rng.poisson(0.6 + 1.4 * len(words) / _WORDS, _PAIRS_AT_ONCE)
        ends = [0, *np.cumsum(counts).tolist()]
        chosen = syllables[(rng.random(ends[-1]) ** 2 * len(syllables)).astype(int)].tolist()
        words |= dict.fromkeys("".join(chosen[a:b]) for a, b in pairwise(ends))
    return np.array(list(words)[:_WORDS], object)


def import_text(folder: Path) -> dict[str, float]:
    """Imports the text, as `nmt corpus import` does."""
    from pipeline.corpora.folder import write_corpus
    from pipeline.corpora.parallel_files import corpus_of_pairs, read_tsv

    watch = _Stopwatch()
    corpus = corpus_of_pairs(
        read_tsv(_text(folder)),
        name=_CORPUS,
        languages=("en", "de"),
        licence="none",
        origin="made up",
    )
    write_corpus(corpus, folder / _CORPUS)
    return watch.read()


def count_in_beam(folder: Path) -> dict[str, float]:
    """Counts the words of the training shards with Beam and writes the counts."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from pipeline.config.beam import BeamSettings, beam_arguments

    watch = _Stopwatch()
    options = PipelineOptions(beam_arguments(BeamSettings(), str(folder)))
    with beam.Pipeline(options=options) as pipeline:
        _ = (
            pipeline
            | beam.io.ReadFromText(str(folder / _CORPUS / "train-*"))
            | beam.FlatMap(str.split)
            | beam.Map(lambda word: (word, 1))
            | beam.CombinePerKey(sum)
            | beam.MapTuple(lambda word, count: f"{word}\t{count}")
            | beam.io.WriteToText(str(folder / "counts"))
        )
    return watch.read()


def run_components(folder: Path) -> dict[str, float]:
    """Runs the pipeline up to Transform; returns the seconds of each component too."""
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner
    from tfx.orchestration.pipeline import RunOptions

    from pipeline.config.settings import build_config
    from pipeline.corpora.folder import load_corpus
    from pipeline.pipeline import Places, create_pipeline
    from pipeline.running.record import open_store

    data = {"corpus": _CORPUS, "source_language": "en", "target_language": "de"}
    places = Places(
        corpus=str(folder / _CORPUS),
        pipeline_root=str(folder / "artifacts"),
        serving_directory=str(folder / "models"),
        metadata=str(folder / "metadata.db"),
    )
    checksum = load_corpus(folder / _CORPUS).checksum
    pipeline = create_pipeline(build_config({"data": data}, default_name=_NAME), places, checksum)
    watch = _Stopwatch()
    LocalDagRunner().run(pipeline, RunOptions(to_nodes=["Transform"]))
    times = watch.read()
    for run in open_store(str(places.metadata)).get_executions():
        name = run.type.rpartition(".")[2]
        times[name] = (run.last_update_time_since_epoch - run.create_time_since_epoch) / 1000
    return times


def learn_subwords(folder: Path) -> dict[str, float]:
    """Counts the words of the text and learns the default number of pieces from them."""
    watch = _Stopwatch()
    counts = Counter[str]()
    with _text(folder).open(encoding="utf-8") as lines:
        for line in lines:
            counts.update(re.findall(r"\w+|[^\w\s]+", line))
    words = {f"\u2581{word}": count for word, count in counts.items()}
    learning = _Stopwatch()
    settings = SubwordSettings()
    learn_pieces(words, settings.vocabulary_size, settings.max_piece_characters)
    return watch.read() | {"learning": learning.read()["seconds"]}


def learn_with_sentencepiece(folder: Path) -> dict[str, float]:
    """Lets SentencePiece learn as many pieces, by byte-pair encoding too."""
    import sentencepiece

    lines = folder / "lines"
    lines.write_text(_text(folder).read_text(encoding="utf-8").replace("\t", "\n"), "utf-8")
    settings = SubwordSettings()
    watch = _Stopwatch()
    sentencepiece.SentencePieceTrainer.train(
        input=str(lines),
        model_prefix=str(folder / "sentencepiece"),
        model_type="bpe",
        vocab_size=settings.vocabulary_size,
        max_sentencepiece_length=settings.max_piece_characters,
        num_threads=len(os.sched_getaffinity(0)),
        minloglevel=1,
    )
    return watch.read()


def measure(step: Callable[[Path], dict[str, float]], folder: Path) -> dict[str, float]:
    """Runs a step in a new process.

    Args:
      step: a function of this module.
      folder: the folder of the text and of all results.

    Returns:
      Its times in seconds, and as `gb` the largest memory of the process and its children.

    Raises:
      RunFailedError: the step failed.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(step, folder, sender))
    process.start()
    sender.close()
    assert process.pid is not None
    largest = 0
    while not receiver.poll(_POLL_SECONDS):
        largest = max(largest, _resident_bytes(process.pid))
    try:
        times = receiver.recv()
    except EOFError as error:
        raise RunFailedError(f"The step {step.__name__} failed; see above.") from error
    finally:
        process.join()
    return {name: round(value, 2) for name, value in times.items()} | {
        "gb": round(largest / 1e9, 2)
    }


def _send(step: Callable[[Path], dict[str, float]], folder: Path, sender: Connection) -> None:
    sender.send(step(folder))


def _resident_bytes(pid: int) -> int:
    """Returns the resident bytes of a process and its children; those of ended ones are 0."""
    pages = 0
    with contextlib.suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    children: list[str] = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(OSError):
            children += (task / "children").read_text("ascii").split()
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(_resident_bytes(int(each)) for each in children)


def _text(folder: Path) -> Path:
    return folder / "text.tsv"


def main(
    pairs: Annotated[int, typer.Option(min=1000, help="Pairs of sentences.")] = 500_000,
    seed: Annotated[int, typer.Option(help="Seed of the made-up text.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="20,000 pairs only.")] = False,
) -> None:
    """Measure import, word count, components and learning of subwords on made-up text."""
    pairs = _QUICK_PAIRS if quick else pairs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_text(_text(folder), pairs, seed)
        found: dict[str, Any] = {"import": measure(import_text, folder)}
        found["word_count"] = measure(count_in_beam, folder)
        found["components"] = measure(run_components, folder)
        found["subwords"] = measure(learn_subwords, folder)
        ratios = {"components": found["components"]["seconds"] / found["word_count"]["seconds"]}
        if importlib.util.find_spec("sentencepiece"):
            found["sentencepiece"] = measure(learn_with_sentencepiece, folder)
            ours, theirs = found["subwords"], found["sentencepiece"]["seconds"]
            ratios |= {"subwords": ours["seconds"] / theirs, "learning": ours["learning"] / theirs}
        else:
            print("SentencePiece is not measured: `uv pip install sentencepiece` installs it.")
    print(
        json.dumps(
            {
                "machine": describe_this_machine(),
                "pairs": pairs,
                **found,
                "ratios": {name: round(ratio, 2) for name, ratio in ratios.items()},
            }
        )
    )


if __name__ == "__main__":
    run_program(main)
