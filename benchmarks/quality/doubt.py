"""Measures how well the warnings of a model find its bad answers.

    python -m benchmarks.quality.doubt --config debian

The inputs are test sentences, the same in capitals, other languages (the targets, and
`other_languages.tsv`) and nonsense. An answer to the first two is bad if its sentence chrF is below
30; the others have no good answer. The last line is a JSON object of all numbers.
"""

import csv
import json
import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import sacrebleu
import typer
from scipy.stats import rankdata

from benchmarks.common.program import ExportOption, run_program
from benchmarks.common.tables import number, percent, table
from benchmarks.common.task import ParallelText, prepare_task
from pipeline.commands.exported_model import find_model
from pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, OverridesOption, WorkspaceOption
from pipeline.errors import UserError
from serving.contract.translation import Translation
from serving.doubt.kinds import KINDS, measure
from serving.local.model import LocalModel
from trainer.doubt import GOOD_FROM

AS_WRITTEN, CAPITALS = "test sentences", "in capitals"
TOGETHER = "all together"
_OTHER_LANGUAGES = Path(__file__).with_name("other_languages.tsv")
_NONSENSE = 200
"""Lines of random letters, and as many sources with their characters shuffled."""

Translate = Callable[[Sequence[str]], list[Translation]]


@dataclass(frozen=True)
class Group:
    """Inputs of one kind."""

    sources: list[str]
    references: list[str] | None
    """None if no answer is good."""


@dataclass(frozen=True)
class Judged:
    """The answers to a group."""

    is_bad: np.ndarray
    """bool [answers]."""
    values: dict[str, np.ndarray]
    """By kind of doubt, [answers]; and the largest of all, as shares of their limits."""
    is_warned: np.ndarray
    """bool [answers]."""


def make_groups(text: ParallelText, languages: Sequence[str], seed: int) -> dict[str, Group]:
    """Makes the inputs.

    Args:
      text: the test split.
      languages: those of the model, left out of the other languages.
      seed: seed of the nonsense.
    """
    rng = random.Random(seed)
    letters = string.ascii_lowercase + 5 * " "
    with _OTHER_LANGUAGES.open(encoding="utf-8") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        others = [sentence for code, sentence in rows if code not in languages]
    return {
        AS_WRITTEN: Group(text.sources, text.targets),
        CAPITALS: Group(
            [source.upper() for source in text.sources], [target.upper() for target in text.targets]
        ),
        "the target language": Group(text.targets, None),
        "other languages": Group(others, None),
        "random letters": Group(
            ["".join(rng.choices(letters, k=rng.randint(15, 90))) for _ in range(_NONSENSE)], None
        ),
        "shuffled characters": Group(
            ["".join(rng.sample(each, len(each))) for each in text.sources[:_NONSENSE]], None
        ),
    }


def judge(group: Group, translate: Translate) -> Judged:
    """Translates a group.

    Raises:
      UserError: the export has no limits.
    """
    answers = translate(group.sources)
    values, shares = [], []
    for source, answer in zip(group.sources, answers, strict=True):
        known = answer.calibration
        if known is None:
            raise UserError("This model has no limits for its warnings: train and export it again.")
        values.append([measure(kind, source, answer, known) for kind in KINDS.values()])
        shares.append(np.array(values[-1]) / known.limits)
    by_kind = dict(zip(KINDS, np.array(values).T, strict=True))
    return Judged(
        np.array([_is_bad(answer, group.references, row) for row, answer in enumerate(answers)]),
        {**by_kind, TOGETHER: np.max(shares, axis=1)},
        np.array([bool(answer.warnings) for answer in answers]),
    )


def area_under_curve(good: np.ndarray, bad: np.ndarray) -> float:
    """Returns the probability that a bad answer has a larger value than a good one."""
    ranks = rankdata(np.concatenate([good, bad]))[len(good) :]
    least = len(bad) * (len(bad) + 1) / 2
    return float((ranks.sum() - least) / (len(good) * len(bad))) if len(bad) else float("nan")


def areas(judged: dict[str, Judged]) -> dict[str, dict[str, float]]:
    """Compares the bad answers of each group, and of all, with the good ones to test sentences.

    Returns:
      The areas by kind of doubt and group.
    """
    usual = judged[AS_WRITTEN]
    found: dict[str, dict[str, float]] = {}
    for kind, values in usual.values.items():
        good = values[~usual.is_bad]
        bad = {name: each.values[kind][each.is_bad] for name, each in judged.items()}
        bad["all"] = np.concatenate(list(bad.values()))
        found[kind] = {name: area_under_curve(good, each) for name, each in bad.items()}
    return found


def main(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    model: ExportOption = None,
    sentences: Annotated[int, typer.Option(min=1, metavar="N", help="Test sentences.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the nonsense.")] = 1,
) -> None:
    """Measure how well the warnings of a model find its bad answers."""
    task = prepare_task(config, overrides or (), workspace)
    local = LocalModel(find_model(config, overrides, workspace, model, None))
    text = task.read("test")
    text = ParallelText(text.sources[:sentences], text.targets[:sentences])
    languages = (task.config.data.source_language, task.config.data.target_language)

    def translate(texts: Sequence[str]) -> list[Translation]:
        return local.translate(texts, split=False)

    groups = make_groups(text, languages, seed)
    judged = {name: judge(group, translate) for name, group in groups.items()}
    found = areas(judged)
    counts = {name: _counts(each) for name, each in judged.items()}
    print("Area under the curve, bad answers of a group against good answers to test sentences:\n")
    header = ["doubt", *found[TOGETHER]]
    print(table(header, [[kind, *map(number, row.values())] for kind, row in found.items()]))
    print("\nAnswers warned of:\n")
    print(
        table(
            ["input", "good", "warned", "bad", "warned"],
            [_row(name, each) for name, each in counts.items()],
        )
    )
    print(json.dumps({"area": found, "answers": counts}))


def _is_bad(answer: Translation, references: list[str] | None, row: int) -> bool:
    if references is None:
        return True
    return float(sacrebleu.sentence_chrf(answer.text, [references[row]]).score) < GOOD_FROM


def _counts(judged: Judged) -> dict[str, float]:
    good, bad = ~judged.is_bad, judged.is_bad
    return {
        "good": int(good.sum()),
        "good_warned": float(judged.is_warned[good].mean()) if good.any() else float("nan"),
        "bad": int(bad.sum()),
        "bad_warned": float(judged.is_warned[bad].mean()) if bad.any() else float("nan"),
    }


def _row(name: str, counts: dict[str, float]) -> list[str]:
    return [
        name,
        number(counts["good"], 0),
        percent(counts["good_warned"]),
        number(counts["bad"], 0),
        percent(counts["bad_warned"]),
    ]


if __name__ == "__main__":
    run_program(main)
