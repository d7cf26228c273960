"""Measures how often the gate blocks models as good as the live one, and worse models.

A pair of equally good models is made from two models trained from different seeds: for each
sentence of a test set a coin decides which of the two translations is the candidate's and which the
baseline's, so neither is better. Worse models have noise on their weights, or lose a tenth of their
words. `benchmarks.gate.trials` explains the trials.

    python -m benchmarks.gate.calibration --config multi30k --model DIR --model DIR

The program fails if equally good models are blocked significantly more often than the gate's
significance level, or the worse models in fewer than 95 % of the trials.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal, cast

import numpy as np
import typer

from benchmarks.common.machine import describe_this_machine
from benchmarks.common.program import (
    RESULTS,
    OutputOption,
    reproducing_command,
    run_program,
    write_result,
)
from benchmarks.common.systems import System, load_system
from benchmarks.common.tables import number, percent, table
from benchmarks.common.task import prepare_task
from benchmarks.gate.translation_cache import cached_translations
from benchmarks.gate.trials import (
    DAMAGED,
    EQUAL,
    SHOWN,
    WORSE,
    Experiment,
    Material,
    Pair,
    Places,
    Rate,
    Rows,
    exchange,
    run_trials,
)
from benchmarks.gate.worse_models import drop_words, noisy_export
from components.parallel_text import length_bucket
from pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, OverridesOption, WorkspaceOption
from pipeline.errors import UserError
from text.words import split_text
from trainer.translation_statistics import signature

NAME = "gate_calibration"
DROPPED = 0.1
"""Share of the target words dropped for a worse model."""
NOISES = (0.1, 0.2, 0.3)
"""Standard deviations of the noise, as shares of the standard deviation of each variable."""
SMALLEST_POWER = 0.95
_NOISE_SEED = 1


def main(
    models: Annotated[
        list[str],
        typer.Option("--model", metavar="DIR", help="An exported model; two of different seeds."),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    split: Annotated[str, typer.Option(help="validation or test.")] = "test",
    trials: Annotated[
        int, typer.Option(min=10, help="Trials of each pair, except worse models.")
    ] = 1000,
    worse_trials: Annotated[int, typer.Option(min=10, help="Trials of each worse model.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the trials.")] = 1,
    workspace: WorkspaceOption = None,
    output: OutputOption = RESULTS,
) -> None:
    """Measure how often the gate blocks equally good and worse models."""
    if len(models) != 2 or split not in ("validation", "test"):
        raise UserError("Give two models with --model, and --split validation or --split test.")
    task = prepare_task(config, overrides or (), workspace)
    text = task.read(cast(Literal["validation", "test"], split))
    buckets = [length_bucket(len(split_text(source))) for source in text.sources]
    material = Material(text, buckets, task.config.gate)
    folder = Path(task.folder, NAME)
    systems = [load_system(f"model {place}", path) for place, path in enumerate(models, 1)]
    rates = [
        run_trials(experiment, material, trials if experiment.kind != WORSE else worse_trials, seed)
        for experiment in experiments(material, systems, folder)
    ]
    command = reproducing_command(
        "gate.calibration",
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
    """Returns the experiments; translates with each model if its translations are not cached."""
    sources = material.text.sources
    translations = [cached_translations(system, sources, folder) for system in systems]
    first, second = (material.rows(each) for each in translations)
    every = len(sources)

    def exchanged(drawn: Places, generator: np.random.Generator) -> Pair:
        return exchange(first[drawn], second[drawn], generator)

    def shortened(drawn: Places, generator: np.random.Generator) -> Rows:
        return material.rows(drop_words(translations[0], DROPPED, generator))[drawn]

    two_seeds, dropped = "two seeds, exchanged", f"{percent(DROPPED, 0)} of the words dropped"
    tried = [
        Experiment("the same model", EQUAL, every, _always(first, first)),
        Experiment(two_seeds, EQUAL, every, exchanged),
        Experiment(two_seeds, SHOWN, every // 2, exchanged),
        Experiment(two_seeds, SHOWN, every // 4, exchanged),
        Experiment(dropped, WORSE, every, lambda *of: (shortened(*of), first[of[0]])),
        Experiment(
            f"{dropped}, against the other seed",
            WORSE,
            every,
            lambda *of: (shortened(*of), second[of[0]]),
        ),
    ]
    for noise in NOISES:
        export = noisy_export(systems[0].export, folder / f"noise-{noise:g}", noise, _NOISE_SEED)
        noisy = material.rows(cached_translations(load_system("noisy", export), sources, folder))
        kind = DAMAGED if noise < max(NOISES) else WORSE
        name = f"weights with {percent(noise, 0)} noise"
        tried.append(Experiment(name, kind, every, _always(noisy, first)))
    return tried


def _always(candidate: Rows, baseline: Rows) -> Callable[[Places, np.random.Generator], Pair]:
    return lambda drawn, _: (candidate[drawn], baseline[drawn])


def shortfalls(rates: Sequence[Rate], significance: float) -> list[str]:
    """Returns a sentence for each rate outside its bound."""
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
- BLEU, mean: candidate minus baseline; sacreBLEU `{signature("bleu", settings.tokeniser)}`
- blocked: `significance` {settings.significance:g} shared among the tests, `max_bleu_drop`
  {settings.max_bleu_drop:g} over all, slices of {settings.min_slice_sentences} sentences and more,
  {settings.bootstrap_resamples:,} resamples
- uncorrected: each test at {settings.significance:g}, and `max_bleu_drop` in each slice too
- machine: {describe_this_machine()}
- command: `{command}`
"""


if __name__ == "__main__":
    run_program(main)
