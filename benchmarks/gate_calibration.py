"""How often does the gate block a model that is as good as the live one, and one that is worse?

Equally good models are made of two that were trained from different seeds: sentence by sentence a
coin says which of both translations is the candidate's and which the baseline's, so neither is
better. Worse ones have noise on their weights, or lose a tenth of their words. Each trial is a test
set of its own, drawn with replacement from the split, and is judged by the gate's own code.

    python -m benchmarks.gate_calibration --config multi30k --model DIR --model DIR

The program fails if equally good models are blocked significantly more often than the significance
says, or models of the requirement's damage in fewer than 95 % of the trials.
"""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, cast

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.machine import describe_this_machine
from benchmarks.program import (
    RESULTS,
    OutputOption,
    reproducing_command,
    run_program,
    write_result,
)
from benchmarks.systems import System, load_system
from benchmarks.tables import number, percent, table
from benchmarks.task import ParallelText, prepare_task
from benchmarks.translation_cache import cached_translations
from benchmarks.worse_models import drop_words, noisy_export
from components.family_of_tests import compare_family
from components.gate_settings import GateSettings
from components.parallel_text import length_bucket
from components.translation_statistics import bleu_signature, resampled_statistics
from pipeline.errors import UserError
from pipeline.options import DEFAULT_CONFIG, ConfigOption, OverridesOption, WorkspaceOption
from pipeline.pipeline import gate_settings

NAME = "gate_calibration"
Kind = Literal["equal", "worse", "shown"]
EQUAL: Kind = "equal"
WORSE: Kind = "worse"
SHOWN: Kind = "shown"
DROPPED = 0.1
"""Share of the target words that a worse model loses."""
NOISES = (0.1, 0.2, 0.3)
"""Standard deviations of the noise, as shares of that of each variable's numbers."""
SMALLEST_POWER = 0.95
_NOISE_SEED = 1
_Z = 1.96

Rows = NDArray[np.int64]
Pair = tuple[Rows, Rows]
"""Statistics of the candidate's and of the baseline's translations, [sentences, width] each."""


@dataclass(frozen=True)
class Judgement:
    """What the gate says of one pair, and what it would say without its correction."""

    is_blocked: bool
    is_blocked_uncorrected: bool
    """Each test at the whole significance, and each slice held against `max_bleu_drop` too."""
    difference: float


@dataclass(frozen=True)
class Experiment:
    """Pairs of one kind."""

    name: str
    kind: Kind
    """What is demanded: few blocked, many blocked, nothing."""
    sentences: int
    """Of each test set."""
    make_pair: Callable[[np.random.Generator], Pair]
    """On the whole split."""


@dataclass(frozen=True)
class Rate:
    """How often pairs of one kind were blocked."""

    experiment: Experiment
    judgements: tuple[Judgement, ...]

    @property
    def blocked(self) -> float:
        """Share of the trials, 0 to 1."""
        return float(np.mean([each.is_blocked for each in self.judgements]))

    @property
    def blocked_uncorrected(self) -> float:
        """The same without the correction."""
        return float(np.mean([each.is_blocked_uncorrected for each in self.judgements]))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the share (Wilson, 1927)."""
        return wilson_interval(self.blocked, len(self.judgements))

    @property
    def difference(self) -> float:
        """Mean difference of BLEU, candidate minus baseline."""
        return float(np.mean([each.difference for each in self.judgements]))


@dataclass(frozen=True)
class Material:
    """What trials are made of."""

    text: ParallelText
    buckets: list[str]
    settings: GateSettings

    def rows(self, translations: Sequence[str]) -> Rows:
        """The statistics of translations of the whole split."""
        statistics = resampled_statistics("bleu")
        pairs = zip(translations, self.text.targets, strict=True)
        return np.array([statistics.row(*pair) for pair in pairs], np.int64)


def main(
    models: Annotated[
        list[str],
        typer.Option("--model", metavar="DIR", help="An exported model; two of different seeds."),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    split: Annotated[str, typer.Option(help="validation or test.")] = "test",
    trials: Annotated[int, typer.Option(min=10, help="Of equally good models.")] = 1000,
    worse_trials: Annotated[int, typer.Option(min=10, help="Of each worse model.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the trials.")] = 1,
    workspace: WorkspaceOption = None,
    output: OutputOption = RESULTS,
) -> None:
    """Measure how often the gate blocks equally good and worse models."""
    if len(models) != 2 or split not in ("validation", "test"):
        raise UserError("Give two models with --model, and --split validation or --split test.")
    task = prepare_task(config, overrides or (), workspace)
    text = task.read(cast(Literal["validation", "test"], split))
    buckets = [length_bucket(len(source.split())) for source in text.sources]
    material = Material(text, buckets, gate_settings(task.config))
    folder = Path(task.folder, NAME)
    systems = [load_system(f"model {place}", path) for place, path in enumerate(models, 1)]
    rates = [
        run_trials(experiment, material, trials if experiment.kind != WORSE else worse_trials, seed)
        for experiment in experiments(material, systems, folder)
    ]
    command = reproducing_command(
        NAME,
        [
            ("--config", config),
            *(("--set", override) for override in overrides or ()),
            *(("--model", model) for model in models),
            ("--split", split),
            ("--trials", trials),
            ("--worse-trials", worse_trials),
            ("--seed", seed),
        ],
    )
    write_result(output, f"{NAME}-{split}.md", report(rates, material, split, command))
    if problems := shortfalls(rates, material.settings.significance):
        print("\n".join(problems), file=sys.stderr)
        raise typer.Exit(1)


def experiments(material: Material, systems: Sequence[System], folder: Path) -> list[Experiment]:
    """Lists what is tried; translates what is not translated yet."""
    sources = material.text.sources
    translations = [cached_translations(system, sources, folder) for system in systems]
    first, second = (material.rows(each) for each in translations)
    every = len(sources)

    def exchanged(generator: np.random.Generator) -> Pair:
        return exchange(first, second, generator)

    def shortened(generator: np.random.Generator) -> Rows:
        return material.rows(drop_words(translations[0], DROPPED, generator))

    two_seeds, dropped = "two seeds, exchanged", f"{percent(DROPPED, 0)} of the words dropped"
    tried = [
        Experiment("the same model", EQUAL, every, _always(first, first)),
        Experiment(two_seeds, EQUAL, every, exchanged),
        Experiment(two_seeds, SHOWN, every // 2, exchanged),
        Experiment(two_seeds, SHOWN, every // 4, exchanged),
        Experiment(dropped, WORSE, every, lambda generator: (shortened(generator), first)),
        Experiment(
            f"{dropped}, against the other seed",
            WORSE,
            every,
            lambda generator: (shortened(generator), second),
        ),
    ]
    for noise in NOISES:
        export = noisy_export(systems[0].export, folder / f"noise-{noise:g}", noise, _NOISE_SEED)
        noisy = material.rows(cached_translations(load_system("noisy", export), sources, folder))
        kind = WORSE if noise == max(NOISES) else SHOWN
        name = f"weights with {percent(noise, 0)} noise"
        tried.append(Experiment(name, kind, every, _always(noisy, first)))
    return tried


def _always(candidate: Rows, baseline: Rows) -> Callable[[np.random.Generator], Pair]:
    return lambda _: (candidate, baseline)


def run_trials(experiment: Experiment, material: Material, trials: int, seed: int) -> Rate:
    """Judges pairs, each on a test set of its own."""
    judgements = []
    for trial in range(trials):
        generator = np.random.default_rng([seed, trial, experiment.sentences])
        candidate, baseline = experiment.make_pair(generator)
        drawn = generator.integers(len(candidate), size=experiment.sentences)
        buckets = [material.buckets[place] for place in drawn]
        judgements.append(judge(candidate[drawn], baseline[drawn], buckets, material.settings))
    return Rate(experiment, tuple(judgements))


def judge(
    candidate: Rows, baseline: Rows, buckets: Sequence[str], settings: GateSettings
) -> Judgement:
    """Holds a pair against the bounds of the gate, except for the floor."""
    family = compare_family(
        candidate,
        baseline,
        [(bucket,) for bucket in buckets],
        resampled_statistics("bleu").scores,
        resamples=settings.bootstrap_resamples,
        seed=settings.seed,
        minimum_sentences=settings.min_slice_sentences,
    )
    drop = -family.whole.difference
    is_too_low = drop > settings.max_bleu_drop
    return Judgement(
        is_blocked=is_too_low or family.smallest_adjusted_p_value < settings.significance,
        is_blocked_uncorrected=any(
            -each.difference > settings.max_bleu_drop or each.p_value < settings.significance
            for each in (family.whole, *family.slices.values())
        ),
        difference=family.whole.difference,
    )


def exchange(first: Rows, second: Rows, generator: np.random.Generator) -> Pair:
    """Makes two equally good models: each sentence's translations change sides by a coin."""
    is_exchanged = generator.random(len(first)) < 0.5
    return (
        np.where(is_exchanged[:, np.newaxis], second, first),
        np.where(is_exchanged[:, np.newaxis], first, second),
    )


def wilson_interval(share: float, trials: int) -> tuple[float, float]:
    """95 % confidence interval of a share (Wilson, 1927)."""
    centre = share + _Z**2 / (2 * trials)
    half = _Z * math.sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2))
    scale = 1 + _Z**2 / trials
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def shortfalls(rates: Sequence[Rate], significance: float) -> list[str]:
    """Says what is not as it is demanded, one sentence each."""
    problems = []
    for rate in rates:
        blocked = f"{rate.experiment.name}: {percent(rate.blocked)} blocked"
        if rate.experiment.kind == EQUAL and rate.interval[0] > significance:
            problems.append(f"{blocked}, more than {percent(significance)}.")
        if rate.experiment.kind == WORSE and rate.blocked < SMALLEST_POWER:
            problems.append(f"{blocked}, fewer than {percent(SMALLEST_POWER)}.")
    return problems


def report(rates: Sequence[Rate], material: Material, split: str, command: str) -> str:
    """Writes the results in Markdown."""
    settings = material.settings
    rows = [
        [
            rate.experiment.name,
            number(rate.experiment.sentences, 0),
            number(rate.difference),
            number(len(rate.judgements), 0),
            percent(rate.blocked),
            " to ".join(percent(bound) for bound in rate.interval),
            percent(rate.blocked_uncorrected),
        ]
        for rate in rates
    ]
    header = ["candidate", "sentences", "BLEU, mean", "trials", "blocked", "95 % interval"]
    return f"""\
# How often the gate blocks

{table([*header, "uncorrected"], rows)}

## How it was measured

- test sets: drawn with replacement from the {split} split, {len(material.buckets):,} sentences
- BLEU, mean: candidate minus baseline; sacreBLEU `{bleu_signature()}`
- blocked: `significance` {settings.significance:g} shared among the tests, `max_bleu_drop`
  {settings.max_bleu_drop:g} over all, slices of {settings.min_slice_sentences} sentences and more,
  {settings.bootstrap_resamples:,} resamples
- uncorrected: each test at {settings.significance:g}, and `max_bleu_drop` in each slice too
- machine: {describe_this_machine()}
- command: `{command}`
"""


if __name__ == "__main__":
    run_program(main)
