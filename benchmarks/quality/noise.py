"""Measures what noise in the training text costs, and how much of it the filters win back.

Damaged copies are added to the clean pairs, a share of each kind of noise that a filter looks for
(`benchmarks.data.filtering`), so the clean text is the same for all systems (Khayrallah and Koehn,
2018). One system is trained without the noise, one with it, and one with it and all filters on.
Every system sees each clean pair equally often.

    python -m benchmarks.quality.noise --foreign french.txt --set training.epochs=6 --in-parallel
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.common.machine import describe_this_machine
from benchmarks.common.program import (
    RESULTS,
    InParallelOption,
    OutputOption,
    reproducing_command,
    run_program,
    write_result,
)
from benchmarks.common.protocols import BOOTSTRAP_RESAMPLES, Score, cased_bleu, p_value_of_gain
from benchmarks.common.systems import Plan, train_systems, translate
from benchmarks.common.tables import number, percent, table
from benchmarks.common.task import Task, prepare_task
from benchmarks.data.filtering import DAMAGES, damage, read_foreign
from components.filters.registry import FILTER_NAMES, NEAR_DUPLICATES
from pipeline.commands.options import ConfigOption, OverridesOption, WorkspaceOption
from pipeline.corpora.folder import CorpusText, write_corpus
from pipeline.corpora.information import SPLITS, Split
from pipeline.corpora.text import Row
from text.sentences import Pair

CLEAN, NOISY, FILTERED = "without noise", "with noise", "with noise, filtered"
_NO_FILTER = "data.filters=[]"
_ALL_FILTERS = f"data.filters=[{','.join(FILTER_NAMES)}]"
# More epochs than any training has: no system stops before it saw the clean text as often.
_NO_EARLY_STOP = "training.patience=1000000"


@dataclass(frozen=True)
class Measured:
    """A system's score on the test split."""

    bleu: Score
    steps: int
    p_value: float
    """Of its gain over the system with noise, from the paired bootstrap."""


def main(
    foreign: Annotated[Path, typer.Option(help="Sentences in a third language, one a line.")],
    config: ConfigOption = "multi30k",
    overrides: OverridesOption = None,
    share: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="Pairs of each kind of noise.")
    ] = 0.05,
    seed: Annotated[int, typer.Option(help="Seed of the noise and of all systems.")] = 1,
    in_parallel: InParallelOption = False,
    workspace: WorkspaceOption = None,
    output: OutputOption = RESULTS,
) -> None:
    """Train without noise, with it, and with it filtered."""
    given = overrides or []
    sentences = read_foreign(foreign)
    task = prepare_task(config, [*given, f"seed={seed}", _NO_EARLY_STOP], workspace)
    folder = Path(task.folder, f"noise-{task.config.name}-seed{seed}")
    clean, added = write_noisy_corpus(task, folder, share, seed, sentences)
    corpus = f"data.corpus={json.dumps(str(folder), ensure_ascii=False)}"
    settings = {
        CLEAN: (_NO_FILTER,),
        NOISY: (corpus, _NO_FILTER),
        FILTERED: (corpus, _ALL_FILTERS),
    }
    plans = [
        Plan(
            f"{task.config.name}-noise{index}-seed{seed}",
            task.config_option,
            (*task.overrides, *changes),
        )
        for index, changes in enumerate(settings.values())
    ]
    systems = train_systems(plans, task.folder, in_parallel=in_parallel)
    test = task.read("test")
    translated = [[each.text for each in translate(system, test.sources)] for system in systems]
    noisy = translated[list(settings).index(NOISY)]
    measured = {
        name: Measured(
            cased_bleu(hypotheses, test.targets, test.tokeniser),
            system.steps,
            p_value_of_gain(hypotheses, noisy, test.targets, seed, test.tokeniser),
        )
        for name, system, hypotheses in zip(settings, systems, translated, strict=True)
    }
    command = reproducing_command(
        "quality.noise",
        [
            ("--foreign", foreign.name),
            ("--config", config),
            *(("--set", override) for override in given),
            ("--share", share),
            ("--seed", seed),
            ("--in-parallel", in_parallel),
        ],
    )
    text = report(task.config.name, measured, clean, added, share, command, describe_this_machine())
    write_result(output, f"noise_{task.config.name}.md", text)


def write_noisy_corpus(
    task: Task, folder: Path, share: float, seed: int, foreign: Sequence[str]
) -> tuple[int, int]:
    """Writes the corpus of a task again, with damaged copies of training pairs among the others.

    Args:
      task: names the corpus.
      folder: where the corpus is written; one that is there is replaced.
      share: damaged copies of each kind, as a share of the training pairs.
      seed: seed of the noise and of its places.
      foreign: sentences in a third language.

    Returns:
      The number of clean and of damaged training pairs.
    """
    texts = {split: task.read(split) for split in SPLITS}
    splits: dict[Split, Sequence[Row]] = {
        split: list(zip(text.sources, text.targets, strict=True)) for split, text in texts.items()
    }
    clean = list(zip(texts["train"].sources, texts["train"].targets, strict=True))
    added: list[Pair] = []
    for index, kind in enumerate((*DAMAGES, "wrong_language", NEAR_DUPLICATES)):
        noisy, damaged = damage(clean, kind, share, seed + index, foreign)
        added += [noisy[place] for place in sorted(damaged)]
    together = [*clean, *added]
    random.Random(seed).shuffle(together)
    data = task.config.data
    write_corpus(
        CorpusText(
            name=folder.name,
            source_language=data.source_language,
            target_language=data.target_language,
            licence="that of the corpus",
            origin=f"{data.corpus}, with noise added",
            splits={**splits, "train": together},
        ),
        folder,
        replace=True,
    )
    return len(clean), len(added)


def report(
    name: str,
    measured: dict[str, Measured],
    clean: int,
    added: int,
    share: float,
    command: str,
    machine: str,
) -> str:
    """Writes the results in Markdown.

    Args:
      name: name of the configuration.
      measured: the systems.
      clean: number of clean training pairs.
      added: number of damaged ones.
      share: share of each kind of noise.
      command: the command for repeating the measurement.
      machine: description of the machine.
    """
    rows = [
        [
            system,
            number(each.steps, 0),
            number(each.bleu.value),
            "" if system == NOISY else number(each.p_value, 3),
        ]
        for system, each in measured.items()
    ]
    return f"""\
# Noise in the training text: {name}

{clean:,} pairs, to which {added:,} damaged copies were added: {percent(share)} of each kind of
noise that a filter looks for.

{table(["training text", "steps", "BLEU", "p"], rows)}

- BLEU: test split, detokenised, beam search as exported; sacreBLEU
  `{measured[CLEAN].bleu.signature}`
- p: share of {BOOTSTRAP_RESAMPLES:,} resampled test sets on which the system is no better than the
  one trained with noise (paired bootstrap: Koehn, 2004)
- machine: {machine}
- command: `{command}`
"""


if __name__ == "__main__":
    run_program(main)
