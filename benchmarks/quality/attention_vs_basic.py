"""Compares attention with a fixed context vector, all else equal.

The decoder of the basic system gets the source as one vector (Sutskever et al., 2014; Cho et al.,
2014); the other attends to every source position (Bahdanau et al., 2015). Size, data, steps and
seed are the same. The program fails if the gain in BLEU is below `--minimum-gain`.

    python -m benchmarks.quality.attention_vs_basic --set training.epochs=8
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
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
    BucketScore,
    Score,
    bleu_by_length,
    cased_bleu,
    p_value_of_gain,
)
from benchmarks.common.systems import Plan, System, describe_sharing, train_systems, translate
from benchmarks.common.tables import MISSING, number, table
from benchmarks.common.task import Task, prepare_task
from benchmarks.quality.figure import SMALLEST_BUCKET, Curve, draw_comparison
from pipeline.commands.options import OverridesOption, WorkspaceOption
from pipeline.errors import RunFailedError

NAME = "attention_vs_basic"
BASIC, ATTENTION = "basic", "attention"
MODELS = {BASIC: "none", ATTENTION: "bahdanau"}
"""The name of each system here, and its `model.attention`."""
CORPORA = ["multi30k", "debian"]
# More epochs than any training has, so no system stops early and both take the same steps.
_NO_EARLY_STOP = "training.patience=1000000"


@dataclass(frozen=True)
class Measured:
    """A system and its scores on the test split."""

    system: System
    bleu: Score
    buckets: dict[str, BucketScore]


@dataclass(frozen=True)
class Comparison:
    """Both systems on one corpus."""

    corpus: str
    basic: Measured
    attention: Measured
    p_value: float
    """Of the gain, from the paired bootstrap."""

    @property
    def gain(self) -> float:
        """Gain in BLEU from attention, in percent of the basic system's BLEU."""
        return relative_gain(self.attention.bleu.value, self.basic.bleu.value)

    @property
    def time_ratio(self) -> float:
        """Time of a step with attention, divided by the time of a step without."""
        return self.attention.system.seconds_per_step / self.basic.system.seconds_per_step


def main(
    corpora: Annotated[
        list[str],
        typer.Option(
            "--corpus", metavar="NAME|FILE", help="A configuration to compare on; repeatable."
        ),
    ] = CORPORA,
    overrides: OverridesOption = None,
    seed: Annotated[int, typer.Option(help="Seed of both systems and of the bootstrap.")] = 1,
    minimum_gain: Annotated[
        float, typer.Option(metavar="PERCENT", help="Fail if attention adds less BLEU than this.")
    ] = 15.0,
    in_parallel: InParallelOption = False,
    workspace: WorkspaceOption = None,
    output: OutputOption = RESULTS,
) -> None:
    """Compare an attention model with one that has a fixed context vector."""
    given = overrides or []
    common = [*given, f"seed={seed}", _NO_EARLY_STOP]
    tasks = [prepare_task(corpus, common, workspace) for corpus in corpora]
    comparisons = [compare(task, seed, in_parallel=in_parallel) for task in tasks]
    command = reproducing_command(
        "quality.attention_vs_basic",
        [
            *(("--corpus", corpus) for corpus in corpora),
            *(("--set", override) for override in given),
            ("--seed", seed),
            ("--in-parallel", in_parallel),
        ],
    )
    sharing = describe_sharing(cores_of_this_machine(), len(MODELS), in_parallel=in_parallel)
    text = report(comparisons, seed, command, describe_this_machine(), sharing)
    write_result(output, f"{NAME}.md", text)
    draw_comparison(
        {
            each.corpus: (_curve(BASIC, each.basic), _curve(ATTENTION, each.attention))
            for each in comparisons
        },
        output / f"{NAME}.svg",
    )
    if too_small := shortfall(comparisons, minimum_gain):
        print(too_small, file=sys.stderr)
        raise typer.Exit(1)


def compare(task: Task, seed: int, *, in_parallel: bool) -> Comparison:
    """Trains and scores both systems.

    Raises:
      RunFailedError: the systems did not take the same number of steps.
    """
    plans = [
        Plan(
            f"{task.config.name}-{name}-seed{seed}",
            task.config_option,
            # Copying needs attention, so it would add to the difference.
            (*task.overrides, "model.copying=false", f"model.attention={attention}"),
        )
        for name, attention in MODELS.items()
    ]
    systems = train_systems(plans, task.folder, in_parallel=in_parallel)
    if len({system.steps for system in systems}) > 1:
        steps = " and ".join(f"{system.name} took {system.steps}" for system in systems)
        raise RunFailedError(f"The systems cannot be compared, since their steps differ: {steps}.")
    test = task.read("test")
    translated = [
        [translation.text for translation in translate(system, test.sources)] for system in systems
    ]
    basic, attention = (
        Measured(
            system,
            cased_bleu(hypotheses, test.targets, test.tokeniser),
            bleu_by_length(test.sources, hypotheses, test.targets, test.tokeniser),
        )
        for system, hypotheses in zip(systems, translated, strict=True)
    )
    p_value = p_value_of_gain(translated[1], translated[0], test.targets, seed, test.tokeniser)
    return Comparison(task.config.name, basic, attention, p_value)


def relative_gain(score: float, baseline: float) -> float:
    """Returns the gain of a score over a baseline, in percent of the baseline."""
    if baseline == 0:
        return 0.0 if score == 0 else math.inf
    return 100 * (score - baseline) / baseline


def shortfall(comparisons: Sequence[Comparison], minimum_gain: float) -> str | None:
    """Returns a sentence with the corpora on which attention adds less than `minimum_gain` percent.

    Returns:
      The sentence; None if attention adds enough on every corpus.
    """
    short = [each for each in comparisons if each.gain < minimum_gain]
    if not short:
        return None
    gains = ", ".join(f"{each.gain:+.1f} % on {each.corpus}" for each in short)
    return f"Attention adds less than {minimum_gain:+g} % BLEU: {gains}."


def report(
    comparisons: Sequence[Comparison], seed: int, command: str, machine: str, sharing: str
) -> str:
    """Writes the results in Markdown.

    Args:
      comparisons: one for each corpus.
      seed: seed of the systems and of the bootstrap.
      command: the command for repeating the measurement.
      machine: description of the machine.
      sharing: description of how the systems shared the machine in training.
    """
    cards = sorted({each.attention.system.card["machine"] for each in comparisons})
    return f"""\
# Attention against a fixed context vector

The same network at the same size, on the same data, for the same number of steps, from the same
seed: once with one fixed context vector (`model.attention=none`), once with additive attention
(`model.attention=bahdanau`), both without copying.

{_score_table(comparisons)}

## BLEU by source length

{_length_table(comparisons)}

![BLEU by source length; validation BLEU by step and by time]({NAME}.svg)

The figure leaves out buckets of fewer than {SMALLEST_BUCKET} sentences.

## How it was measured

- BLEU: test split, detokenised, beam search as exported; sacreBLEU
  `{comparisons[0].attention.bleu.signature}`
- p: paired bootstrap (Koehn, 2004), {BOOTSTRAP_RESAMPLES:,} resamples: the share on which attention
  is not better
- seconds per step: of an epoch without its validation, median over the epochs; {sharing}
- validation BLEU: the same signature and search, after each epoch
- seed: {seed}
- machine: {machine}; {"; ".join(cards)}
- command: `{command}`
"""


def _score_table(comparisons: Sequence[Comparison]) -> str:
    header = ["corpus", "system", "parameters", "steps", "BLEU", "gain", "p"]
    header += ["seconds per step", "ratio"]
    rows = []
    for each in comparisons:
        compared = (_signed(each.gain), number(each.p_value, 3), number(each.time_ratio))
        for name, measured, (gain, p_value, ratio) in (
            (BASIC, each.basic, ("", "", "")),
            (ATTENTION, each.attention, compared),
        ):
            system = measured.system
            rows.append(
                [
                    each.corpus,
                    name,
                    number(system.parameters, 0),
                    number(system.steps, 0),
                    number(measured.bleu.value),
                    gain,
                    p_value,
                    number(system.seconds_per_step, 3),
                    ratio,
                ]
            )
    return table(header, rows)


def _signed(percent: float) -> str:
    return f"{percent:+.1f} %" if math.isfinite(percent) else MISSING


def _length_table(comparisons: Sequence[Comparison]) -> str:
    rows = []
    for each in comparisons:
        for bucket, basic in each.basic.buckets.items():
            attention = each.attention.buckets[bucket]
            rows.append(
                [
                    each.corpus,
                    bucket,
                    number(basic.sentences, 0),
                    number(basic.bleu),
                    number(attention.bleu),
                    _signed(relative_gain(attention.bleu, basic.bleu)),
                ]
            )
    return table(["corpus", "source words", "sentences", BASIC, ATTENTION, "gain"], rows)


def _curve(label: str, measured: Measured) -> Curve:
    return Curve(label, measured.buckets, measured.system.history)


if __name__ == "__main__":
    run_program(main)
