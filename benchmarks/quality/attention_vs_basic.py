"""Compares attention and self-attention with a fixed context vector.

The decoder of the basic system gets the source as one vector (Sutskever et al., 2014; Cho et al.,
2014). The second attends to every source position (Bahdanau et al., 2015) and is equal otherwise.
The third has self-attention instead of recurrent layers (Vaswani et al., 2017), and as many
parameters to within a tenth. Data, steps and seed are the same for all. The program fails if
attention adds less BLEU than `--minimum-gain`.

    python -m benchmarks.quality.attention_vs_basic --set training.epochs=8
"""

import math
import sys
from collections.abc import Mapping, Sequence
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
BASIC, ATTENTION, SELF_ATTENTION = "basic", "attention", "self-attention"
MODELS = {
    BASIC: ["model.attention=none"],
    ATTENTION: ["model.attention=bahdanau"],
    SELF_ATTENTION: [
        "model.encoder=self_attention",
        "model.decoder=self_attention",
        "model.encoder_layers=2",
        "model.decoder_layers=2",
        "model.decoder_units=256",
        "model.feed_forward_units=768",
    ],
}
"""The name of each system here, and its settings."""
CORPORA = ["multi30k", "debian"]
# More epochs than any training has, so no system stops early and both take the same steps.
_NO_EARLY_STOP = "training.patience=1000000"


@dataclass(frozen=True)
class Measured:
    """A system and its scores on the test split."""

    system: System
    bleu: Score
    buckets: dict[str, BucketScore]
    p_value: float
    """Of its gain over the basic system, from the paired bootstrap."""


@dataclass(frozen=True)
class Comparison:
    """All systems on one corpus."""

    corpus: str
    systems: Mapping[str, Measured]
    """By their names in `MODELS`; the basic system comes first."""

    def gain(self, name: str) -> float:
        """Returns a system's gain in BLEU, in percent of the basic system's BLEU."""
        return relative_gain(self.systems[name].bleu.value, self.systems[BASIC].bleu.value)

    def time_ratio(self, name: str) -> float:
        """Returns the time of a system's step, divided by that of the basic system's."""
        seconds, basic = (self.systems[each].system.seconds_per_step for each in (name, BASIC))
        return seconds / basic


def main(
    corpora: Annotated[
        list[str],
        typer.Option(
            "--corpus", metavar="NAME|FILE", help="A configuration to compare on; repeatable."
        ),
    ] = CORPORA,
    overrides: OverridesOption = None,
    seed: Annotated[int, typer.Option(help="Seed of all systems and of the bootstrap.")] = 1,
    minimum_gain: Annotated[
        float, typer.Option(metavar="PERCENT", help="Fail if attention adds less BLEU than this.")
    ] = 15.0,
    in_parallel: InParallelOption = False,
    workspace: WorkspaceOption = None,
    output: OutputOption = RESULTS,
) -> None:
    """Compare attention and self-attention with a fixed context vector."""
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
            each.corpus: [
                Curve(name, measured.buckets, measured.system.history)
                for name, measured in each.systems.items()
            ]
            for each in comparisons
        },
        output / f"{NAME}.svg",
    )
    if too_small := shortfall(comparisons, minimum_gain):
        print(too_small, file=sys.stderr)
        raise typer.Exit(1)


def compare(task: Task, seed: int, *, in_parallel: bool) -> Comparison:
    """Trains and scores all systems.

    Raises:
      RunFailedError: the systems did not take the same number of steps.
    """
    plans = [
        Plan(
            f"{task.config.name}-{name}-seed{seed}",
            task.config_option,
            # Copying needs attention, so it would add to the difference.
            (*task.overrides, "model.copying=false", *overrides),
        )
        for name, overrides in MODELS.items()
    ]
    systems = train_systems(plans, task.folder, in_parallel=in_parallel)
    if len({system.steps for system in systems}) > 1:
        steps = " and ".join(f"{system.name} took {system.steps}" for system in systems)
        raise RunFailedError(f"The systems cannot be compared, since their steps differ: {steps}.")
    test = task.read("test")
    translated = [
        [translation.text for translation in translate(system, test.sources)] for system in systems
    ]
    measured = [
        Measured(
            system,
            cased_bleu(hypotheses, test.targets, test.tokeniser),
            bleu_by_length(test.sources, hypotheses, test.targets, test.tokeniser),
            p_value_of_gain(hypotheses, translated[0], test.targets, seed, test.tokeniser),
        )
        for system, hypotheses in zip(systems, translated, strict=True)
    ]
    return Comparison(task.config.name, dict(zip(MODELS, measured, strict=True)))


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
    gained = {each.corpus: each.gain(ATTENTION) for each in comparisons}
    short = {corpus: gain for corpus, gain in gained.items() if gain < minimum_gain}
    if not short:
        return None
    gains = ", ".join(f"{gain:+.1f} % on {corpus}" for corpus, gain in short.items())
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
    systems = [measured for each in comparisons for measured in each.systems.values()]
    cards = sorted({measured.system.card["machine"] for measured in systems})
    return f"""\
# Attention against a fixed context vector

Three networks, on the same data, for the same number of steps, from the same seed, all without
copying. Two differ in one setting alone: one fixed context vector (`model.attention=none`), or
additive attention (`model.attention=bahdanau`). The third has two layers of self-attention in the
encoder and two in the decoder instead of recurrent ones, at about the same size.

{_score_table(comparisons)}

## BLEU by source length

{_length_table(comparisons)}

![BLEU by source length; validation BLEU by step and by time]({NAME}.svg)

The figure leaves out buckets of fewer than {SMALLEST_BUCKET} sentences.

## How it was measured

- BLEU: test split, detokenised, beam search as exported; sacreBLEU
  `{systems[0].bleu.signature}`
- p: paired bootstrap (Koehn, 2004), {BOOTSTRAP_RESAMPLES:,} resamples: the share on which the
  system is not better than `{BASIC}`
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
        for name, measured in each.systems.items():
            system, is_basic = measured.system, name == BASIC
            rows.append(
                [
                    each.corpus,
                    name,
                    number(system.parameters, 0),
                    number(system.steps, 0),
                    number(measured.bleu.value),
                    "" if is_basic else _signed(each.gain(name)),
                    "" if is_basic else number(measured.p_value, 3),
                    number(system.seconds_per_step, 3),
                    "" if is_basic else number(each.time_ratio(name)),
                ]
            )
    return table(header, rows)


def _signed(percent: float) -> str:
    return f"{percent:+.1f} %" if math.isfinite(percent) else MISSING


def _length_table(comparisons: Sequence[Comparison]) -> str:
    rows = [
        [
            each.corpus,
            bucket,
            number(basic.sentences, 0),
            *(number(measured.buckets[bucket].bleu) for measured in each.systems.values()),
        ]
        for each in comparisons
        for bucket, basic in each.systems[BASIC].buckets.items()
    ]
    return table(["corpus", "source words", "sentences", *MODELS], rows)


if __name__ == "__main__":
    run_program(main)
