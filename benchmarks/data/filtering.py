"""Measures each filter of training pairs on noise of its kind, put into clean text.

    python -m benchmarks.data.filtering --config multi30k --foreign french.txt

For each kind of noise a share of the pairs is damaged. Recall is the share of the damaged pairs
that the filter finds; precision is the share of damaged ones among all that it finds. The last line
is JSON.
"""

import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.common.machine import describe_this_machine
from benchmarks.common.program import run_program
from benchmarks.common.tables import number, percent, table
from benchmarks.common.task import prepare_task
from components.filters.near_duplicates import ShardHashes, near_duplicates
from components.filters.profile import CorpusProfile, measure_profile
from components.filters.registry import DEFAULT_FILTERS, FILTERS, NEAR_DUPLICATES, PairFilters
from pipeline.errors import UserError
from text.sentences import Pair

Damage = Callable[[Pair, random.Random], Pair | None]
"""Returns a damaged pair; None if a pair cannot be damaged so."""

_CYRILLIC = str.maketrans("abcdefghijklmnopqrstuvwxyzäöüß", "абцдефгхийклмнопкрстуввкызеёюс")


def _other_script(pair: Pair, rng: random.Random) -> Pair:
    return pair[0], pair[1].lower().translate(_CYRILLIC)


def _mojibake(pair: Pair, rng: random.Random) -> Pair | None:
    damaged = pair[1].encode().decode("cp1252", "replace")
    return (pair[0], damaged) if damaged != pair[1] else None


def _digits(pair: Pair, rng: random.Random) -> Pair:
    return pair[0], " ".join(str(rng.randrange(10 ** len(word))) for word in pair[1].split())


def _other_length(pair: Pair, rng: random.Random) -> Pair:
    words = pair[1].split()
    return pair[0], " ".join(words[: len(words) // 4 + 1] if rng.random() < 0.5 else words * 3)


def _loop(pair: Pair, rng: random.Random) -> Pair:
    words = pair[1].split()
    start = rng.randrange(len(words))
    return pair[0], " ".join(words[: start + 1] + words[start : start + 2] * 4)


def _tags(pair: Pair, rng: random.Random) -> Pair:
    words = pair[0].split()
    words[rng.randrange(len(words))] += rng.choice(["<br/>", "</b>", "&nbsp;", " <i>", " %s"])
    return " ".join(words), pair[1]


def _other_number(pair: Pair, rng: random.Random) -> Pair:
    ours, theirs = rng.sample(range(13, 3000), 2)
    return f"{pair[0]} {ours}", f"{pair[1]} {theirs}"


DAMAGES: dict[str, Damage] = {
    "identical_sides": lambda pair, rng: (pair[0], pair[0]),
    "wrong_script": _other_script,
    "mojibake": _mojibake,
    "few_letters": _digits,
    "character_ratio": _other_length,
    "repeated_words": _loop,
    "markup_differs": _tags,
    "numbers_differ": _other_number,
    "swapped_columns": lambda pair, rng: (pair[1], pair[0]),
}
"""Noise by the filter that should find it. Wrong languages, near-duplicates and translations of
other sentences need more than the pair itself."""
SHUFFLED = "shuffled"
"""Translations of other sentences: no filter looks for them, so only other lengths and numbers are
found."""


def damage(
    pairs: Sequence[Pair], kind: str, share: float, seed: int, foreign: Sequence[str] = ()
) -> tuple[list[Pair], set[int]]:
    """Damages a share of the pairs.

    Args:
      pairs: clean pairs.
      kind: the filter that should find the noise, or `SHUFFLED`.
      share: share of the pairs to damage.
      seed: seed of the choice.
      foreign: sentences in a third language, for `wrong_language`.

    Returns:
      All pairs, and the places of the damaged ones.
    """
    rng = random.Random(seed)
    noisy = list(pairs)
    damaged: set[int] = set()
    for place in rng.sample(range(len(pairs)), len(pairs)):
        if len(damaged) >= share * len(pairs):
            break
        source = pairs[place][0]
        other = pairs[rng.randrange(max(place, 1))]
        if kind == "wrong_language":
            found: Pair | None = source, rng.choice(foreign)
        elif kind == NEAR_DUPLICATES:
            found = (f"{other[0].upper()}!", f"{other[1].lower()} 7") if place else None
        elif kind == SHUFFLED:
            found = source, other[1]
        else:
            found = DAMAGES[kind](pairs[place], rng)
        if found:
            noisy[place] = found
            damaged.add(place)
    return noisy, damaged


def find(pairs: Sequence[Pair], names: Sequence[str], profile: CorpusProfile) -> set[int]:
    """Returns the places of the pairs that one of some filters finds."""
    filters = PairFilters(names, profile)
    found = {place for place, pair in enumerate(pairs) if filters.find(*pair)}
    if NEAR_DUPLICATES in names:
        hashes = ShardHashes(0, "")
        for place, pair in enumerate(pairs):
            hashes.add(place, *pair)
        found |= near_duplicates([hashes]).get("", frozenset())
    return found


def measure(
    pairs: Sequence[Pair],
    languages: tuple[str, str],
    share: float,
    seed: int,
    foreign: Sequence[str] = (),
) -> dict[str, dict[str, Any]]:
    """Measures every filter.

    Args:
      pairs: clean pairs.
      languages: the codes of source and target.
      share: share of the pairs to damage.
      seed: seed of the noise.
      foreign: sentences in a third language.

    Returns:
      By kind of noise: `recall` and `precision` of its filter, its share of pairs `in_clean` text,
      its `microseconds` per pair, and `recall_of_default`, that of the default filters together.
    """
    results: dict[str, dict[str, Any]] = {}
    for kind in (*FILTERS, NEAR_DUPLICATES, SHUFFLED):
        if kind == "wrong_language" and not foreign:
            continue
        noisy, damaged = damage(pairs, kind, share, seed, foreign)
        profile = measure_profile(noisy, languages)
        by_default = find(noisy, DEFAULT_FILTERS, profile)
        result: dict[str, Any] = {
            "damaged": len(damaged),
            "recall_of_default": _share(by_default & damaged, damaged),
        }
        if kind != SHUFFLED:
            find(pairs[:1], [kind], profile)  # loads what it needs
            started = time.perf_counter()
            found = find(noisy, [kind], profile)
            seconds = time.perf_counter() - started
            result |= {
                "recall": _share(found & damaged, damaged),
                "precision": _share(found & damaged, found),
                "in_clean": len(find(pairs, [kind], profile)) / len(pairs),
                "microseconds": round(1e6 * seconds / len(noisy), 1),
            }
        results[kind] = result
    return results


def _share(part: set[int], whole: set[int]) -> float:
    return round(len(part) / len(whole), 4) if whole else 0.0


def read_foreign(file: Path) -> list[str]:
    """Reads sentences in a third language, one a line.

    Raises:
      UserError: the file cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read as UTF-8 text: {error}.") from error


def main(
    config: Annotated[str, typer.Option(help="Configuration that names the corpus.")] = "multi30k",
    workspace: Annotated[str | None, typer.Option(help="The workspace.")] = None,
    foreign: Annotated[
        Path | None, typer.Option(help="Sentences in a third language, one a line.")
    ] = None,
    share: Annotated[float, typer.Option(min=0.001, max=0.5, help="Share of noise.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 1,
) -> None:
    """Measure recall and precision of each filter on noise in the training text of a corpus."""
    sentences = read_foreign(foreign) if foreign else []
    task = prepare_task(config, (), workspace)
    text = task.read("train")
    pairs = list(zip(text.sources, text.targets, strict=True))
    languages = task.config.data.source_language, task.config.data.target_language
    results = measure(pairs, languages, share, seed, sentences)
    rows = [
        [
            kind,
            percent(result.get("recall")),
            percent(result.get("precision")),
            percent(result.get("in_clean"), 3),
            number(result.get("microseconds"), 0),
            percent(result["recall_of_default"]),
        ]
        for kind, result in results.items()
    ]
    print(table(["noise", "recall", "precision", "in clean", "µs", "default filters"], rows))
    if not sentences:
        print("wrong_language is not measured: give --foreign.")
    print(
        json.dumps(
            {
                "machine": describe_this_machine(),
                "corpus": task.config.data.corpus,
                "pairs": len(pairs),
                "share": share,
                "seed": seed,
                "filters": results,
            }
        )
    )


if __name__ == "__main__":
    run_program(main)
