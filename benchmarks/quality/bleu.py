"""Scores a configuration: one system for each seed, mean and deviation, in both BLEU protocols.

    python -m benchmarks.quality.bleu --config multi30k --seed 1 --seed 2 --seed 3

With `--baseline` the configuration is also trained without the changes of `--set`, from the same
seeds, and each gain is tested:

    python -m benchmarks.quality.bleu --config multi30k --set model.decoder_layers=2 --baseline
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.common.machine import cores_of_this_machine, describe_this_machine
from benchmarks.common.program import (
    RESULTS,
    InParallelOption,
    OutputOption,
    reproducing_command,
    run_program,
    write_result,
)
from benchmarks.common.protocols import (
    BOOTSTRAP_RESAMPLES,
    Score,
    cased_bleu,
    chrf,
    lowercased_tokenised_bleu,
    p_value_of_gain,
)
from benchmarks.common.systems import Plan, System, describe_sharing, train_systems, translate
from benchmarks.common.tables import number, table
from benchmarks.common.task import Task, prepare_task
from benchmarks.quality.copying import (
    ALL,
    NAMES,
    UNKNOWN,
    WITH_DIGIT,
    Copies,
    copying_table,
    measure_copying,
)
from pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, OverridesOption, WorkspaceOption
from pipeline.errors import UserError
from text.words import words_of

SEEDS = [1, 2, 3]
_COLUMNS = {
    "BLEU": 2,
    "chrF": 2,
    "BLEU, lc tok": 2,
    "copied %": 1,
    "names %": 1,
    "digits %": 1,
    "unknown %": 1,
    "validation BLEU": 2,
    "epochs": 0,
    "minutes": 1,
    "MB": 1,
    "sentences/s": 0,
}
"""Headings and decimals."""


@dataclass(frozen=True)
class Measured:
    """A system of one seed and its scores on the test split."""

    seed: int
    system: System
    cased: Score
    chrf: Score
    lowercased: Score
    copies: dict[str, Copies]
    hypotheses: Sequence[str]
    megabytes: float
    """Size of the export."""
    sentences_per_second: float


def main(
    config: ConfigOption = DEFAULT_CONFIG,
    seeds: Annotated[
        list[int], typer.Option("--seed", help="Train a system from this seed; repeatable.")
    ] = SEEDS,
    overrides: OverridesOption = None,
    with_baseline: Annotated[
        bool, typer.Option("--baseline", help="Also train without --set, and test the gain.")
    ] = False,
    in_parallel: InParallelOption = False,
    workspace: WorkspaceOption = None,
    output: OutputOption = RESULTS,
) -> None:
    """Train a configuration from several seeds and score it."""
    given = overrides or []
    seeds = list(dict.fromkeys(seeds))
    if with_baseline and not given:
        raise UserError("--baseline needs --set: without it, the baseline is the same model.")
    task = prepare_task(config, given, workspace)
    plans = _plans(task, config, seeds)
    if with_baseline:
        plans += _plans(prepare_task(config, [], workspace), config, seeds, "-baseline")
    systems = train_systems(plans, task.folder, in_parallel=in_parallel)
    command = reproducing_command(
        "quality.bleu",
        [
            ("--config", config),
            *(("--seed", seed) for seed in seeds),
            *(("--set", override) for override in given),
            ("--baseline", with_baseline),
            ("--in-parallel", in_parallel),
        ],
    )
    sharing = describe_sharing(cores_of_this_machine(), len(plans), in_parallel=in_parallel)
    measured = measure(task, seeds, systems[: len(seeds)])
    text = report(task.config.name, measured, command, describe_this_machine(), sharing)
    if with_baseline:
        baseline = measure(task, seeds, systems[len(seeds) :])
        test = task.read("test")
        p_values = [
            p_value_of_gain(
                ours.hypotheses, theirs.hypotheses, test.targets, ours.seed, test.tokeniser
            )
            for ours, theirs in zip(measured, baseline, strict=True)
        ]
        text += comparison(measured, baseline, p_values)
    write_result(output, f"quality_{task.config.name}.md", text)


def _plans(task: Task, config: str, seeds: Sequence[int], suffix: str = "") -> list[Plan]:
    name = task.config.name + suffix
    return [Plan(f"{name}-seed{seed}", config, (*task.overrides, f"seed={seed}")) for seed in seeds]


def measure(task: Task, seeds: Sequence[int], systems: Sequence[System]) -> list[Measured]:
    """Translates the test split with each system and scores it."""
    test = task.read("test")
    known = {word for source in task.read("train").sources for word in words_of(source)}
    measured = []
    for seed, system in zip(seeds, systems, strict=True):
        started = time.perf_counter()
        hypotheses = [translation.text for translation in translate(system, test.sources)]
        seconds = time.perf_counter() - started
        measured.append(
            Measured(
                seed=seed,
                system=system,
                cased=cased_bleu(hypotheses, test.targets, test.tokeniser),
                chrf=chrf(hypotheses, test.targets),
                lowercased=lowercased_tokenised_bleu(
                    hypotheses, test.targets, task.config.data.target_language
                ),
                copies=measure_copying(test.sources, test.targets, hypotheses, known),
                hypotheses=hypotheses,
                megabytes=_size_of(system.export) / 1e6,
                sentences_per_second=len(hypotheses) / seconds,
            )
        )
    return measured


def report(
    name: str, measured: Sequence[Measured], command: str, machine: str, sharing: str
) -> str:
    """Writes the results in Markdown.

    Args:
      name: name of the configuration.
      measured: one for each seed.
      command: the command for repeating the measurement.
      machine: description of the machine.
      sharing: description of how the systems shared the machine in training.
    """
    first = measured[0]
    cards = sorted({each.system.card["machine"] for each in measured})
    copying = "\n\n".join(f"Seed {each.seed}:\n\n{copying_table(each.copies)}" for each in measured)
    return f"""\
# Quality of {name}

{score_table(measured)}

All but the validation BLEU are of the test split, translated by the exported beam search.

## Names, numbers and unknown words

{copying}

A word is to be copied if the reference has it exactly as the source has it, by itself or as a part
of a hyphenated compound; it is kept if our translation has it so. Names and numbers are all but
words of lower-case letters alone that the training text has.

## How it was measured

- BLEU: detokenised; sacreBLEU `{first.cased.signature}`
- chrF: sacreBLEU `{first.chrf.signature}`
- BLEU, lc tok: lowercased, punctuation normalised and tokenised as by Moses, unsmoothed;
  sacreBLEU `{first.lowercased.signature}`
- validation BLEU: the same signature, of the epoch that was exported
- minutes: of training, its validations included; {sharing}
- MB: of the export; sentences/s: of the test split, the loading of the export included
- machine: {machine}; {"; ".join(cards)}
- command: `{command}`
"""


def comparison(
    measured: Sequence[Measured], baseline: Sequence[Measured], p_values: Sequence[float]
) -> str:
    """Writes the comparison with the baseline in Markdown.

    Args:
      measured: one for each seed.
      baseline: the same seeds without the changes.
      p_values: the p-value of each gain in BLEU.
    """
    rows = [
        [str(ours.seed), number(theirs.cased.value), number(ours.cased.value), number(p_value, 3)]
        for ours, theirs, p_value in zip(measured, baseline, p_values, strict=True)
    ]
    return f"""
## Against the configuration as it is

{score_table(baseline)}

{table(["seed", "BLEU as it is", "changed", "p of the gain"], rows)}

p: share of {BOOTSTRAP_RESAMPLES:,} resampled test sets on which the change is no gain (paired
bootstrap: Koehn, 2004).
"""


def score_table(measured: Sequence[Measured]) -> str:
    """Renders a row for each seed; for several, also the mean and the sample standard deviation."""
    rows = [[str(each.seed), *_cells(_values(each))] for each in measured]
    if len(measured) > 1:
        columns = list(zip(*(_values(each) for each in measured), strict=True))
        for label, summarise in (("mean", statistics.mean), ("deviation", statistics.stdev)):
            values = [None if None in column else summarise(column) for column in columns]
            rows.append([label, *_cells(values, least_decimals=1)])
    return table(["seed", *_COLUMNS], rows)


def _values(measured: Measured) -> list[float | None]:
    """Returns the values in the order of the columns."""
    shares = [measured.copies[name].share for name in (ALL, NAMES, WITH_DIGIT, UNKNOWN)]
    return [
        measured.cased.value,
        measured.chrf.value,
        measured.lowercased.value,
        *(None if share is None else 100 * share for share in shares),
        measured.system.best_validation_bleu,
        len(measured.system.history),
        measured.system.training_seconds / 60,
        measured.megabytes,
        measured.sentences_per_second,
    ]


def _size_of(folder: str) -> int:
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def _cells(values: Sequence[float | None], least_decimals: int = 0) -> list[str]:
    return [
        number(value, max(decimals, least_decimals))
        for value, decimals in zip(values, _COLUMNS.values(), strict=True)
    ]


if __name__ == "__main__":
    run_program(main)
