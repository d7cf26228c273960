"""Measures what the form of the input costs: several sentences, capitals, invisible characters.

    python -m benchmarks.quality.input_forms --config debian

Each form is made from the test split. The last line is a JSON object of all numbers.
"""

import json
import random
import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated

import typer

from benchmarks.common.program import ExportOption, run_program
from benchmarks.common.protocols import cased_bleu
from benchmarks.common.tables import number, table
from benchmarks.common.task import ParallelText, prepare_task
from pipeline.commands.exported_model import find_model
from pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, OverridesOption, WorkspaceOption
from serving.local.model import LocalModel

JOINED = (2, 4, 8)
_REPLACEMENT = "\ufffd"
_INVISIBLE = "\u00ad\u200b\ufeff\u200e\u2060"
_BATCH_SIZE = 32
_MARKS = (".", "!", "?")

Translate = Callable[[Sequence[str], bool], list[str]]
"""(texts, whether to split them into sentences) -> translations."""


def measure_joined(text: ParallelText, sentences: int, translate: Translate) -> dict[str, float]:
    """Measures several sentences on one line.

    Args:
      text: pairs; those with a mark at the end of both sides are used.
      sentences: number of these to use.
      translate: translates texts.

    Returns:
      BLEU by setting: translated alone, and joined, with and without splitting.
    """
    ended = [
        pair
        for pair in zip(text.sources, text.targets, strict=True)
        if all(side.endswith(_MARKS) for side in pair)
    ]
    sources, targets = ([pair[side] for pair in ended[:sentences]] for side in (0, 1))
    alone = translate(sources, False)
    scores = {}
    for size in JOINED:
        references = _joined(targets, size)
        scores[f"{size} alone"] = cased_bleu(_joined(alone, size), references, text.tokeniser).value
        lines = _joined(sources, size)
        scores[f"{size} unsplit"] = cased_bleu(
            translate(lines, False), references, text.tokeniser
        ).value
        scores[f"{size} joined"] = cased_bleu(
            translate(lines, True), references, text.tokeniser
        ).value
    return scores


def measure_cases(text: ParallelText, translate: Translate) -> dict[str, float]:
    """Measures BLEU as written, in capitals (with the reference in capitals) and in title case."""
    capitals = [source.upper() for source in text.sources]
    titles = [in_title_case(source) for source in text.sources]
    return {
        "as written": cased_bleu(translate(text.sources, True), text.targets, text.tokeniser).value,
        "capitals": cased_bleu(
            translate(capitals, True), [target.upper() for target in text.targets], text.tokeniser
        ).value,
        "title case": cased_bleu(translate(titles, True), text.targets, text.tokeniser).value,
    }


def measure_spellings(text: ParallelText, seed: int, translate: Translate) -> dict[str, float]:
    """Measures the share of equal answers to texts with other spellings of the same."""
    rng = random.Random(seed)
    plain = translate(text.sources, True)
    invisible = ["".join(_with_invisible(source, rng)) for source in text.sources]
    decomposed = [unicodedata.normalize("NFD", source) for source in text.sources]
    return {
        name: sum(map(str.__eq__, plain, translate(texts, True))) / len(plain)
        for name, texts in (("invisible", invisible), ("decomposed", decomposed))
    }


def count_half_characters(text: ParallelText, lines: int, seed: int, translate: Translate) -> int:
    """Counts answers with U+FFFD to lines of random Unicode among words of the text."""
    rng = random.Random(seed)
    characters = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) not in ("Cc", "Cn", "Co", "Cs")
        and chr(code) != _REPLACEMENT
    ]
    words = [word for source in text.sources for word in source.split()]
    made = []
    for _ in range(lines):
        line = rng.choices(words, k=rng.randint(2, 6))
        for _ in range(rng.randint(1, 3)):
            strange = "".join(rng.choices(characters, k=rng.randint(1, 4)))
            line.insert(rng.randint(0, len(line)), strange)
        made.append(" ".join(line))
    return sum(_REPLACEMENT in answer for answer in translate(made, True))


def in_title_case(text: str) -> str:
    """Capitalises each word, and leaves words with capitals as they are."""
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


def main(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    model: ExportOption = None,
    sentences: Annotated[int, typer.Option(min=8, metavar="N", help="Sentences to join.")] = 240,
    lines: Annotated[int, typer.Option(min=1, metavar="N", help="Lines of random Unicode.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the random characters.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="200 pairs and 100 lines only.")] = False,
) -> None:
    """Measure what the form of the input costs on the test split."""
    task = prepare_task(config, overrides or (), workspace)
    local = LocalModel(find_model(config, overrides, workspace, model, None), _BATCH_SIZE)
    text = task.read("test")
    if quick:
        text = replace(text, sources=text.sources[:200], targets=text.targets[:200])
        lines = min(lines, 100)

    def translate(texts: Sequence[str], split: bool) -> list[str]:
        return [each.text for each in local.translate(texts, split=split)]

    found: dict[str, float] = {
        **measure_joined(text, sentences, translate),
        **measure_cases(text, translate),
        **measure_spellings(text, seed, translate),
        "half characters": count_half_characters(text, lines, seed, translate),
    }
    print(table(["form", "measured"], [[name, number(value, 3)] for name, value in found.items()]))
    print(json.dumps({"lines": lines, "pairs": len(text.sources), **found}))


def _joined(texts: Sequence[str], size: int) -> list[str]:
    return [" ".join(texts[start : start + size]) for start in range(0, len(texts), size)]


def _with_invisible(text: str, rng: random.Random) -> list[str]:
    """Puts an invisible character after about one of eight letters."""
    return [
        character + rng.choice(_INVISIBLE)
        if character.isalpha() and rng.random() < 1 / 8
        else character
        for character in text
    ]


if __name__ == "__main__":
    run_program(main)
