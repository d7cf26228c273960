"""Times the Trainer's training step on made-up ids, on the available device.

    python -m benchmarks.training.step --rows 384 --length 30 --set model.cell=lstm

The last line is JSON.
"""

import json
import statistics
import time
from collections.abc import Callable
from typing import Annotated, NamedTuple

import numpy as np
import typer

from benchmarks.common.machine import describe_this_machine
from benchmarks.common.program import run_program
from pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, OverridesOption
from pipeline.config.settings import PipelineConfig, load_config
from pipeline.errors import RunFailedError
from trainer.batching import Batch, Part
from trainer.gpu import GPUError
from trainer.precision import describe_machine
from trainer.subwords import PAD, RESERVED
from trainer.train_step import TrainStep, make_train_step
from trainer.training_state import make_state

_LEARNING_RATE_STEPS = 10_000


class StepTimes(NamedTuple):
    """Seconds for a step."""

    first: float
    """With tracing and compiling."""
    alone: float
    """Median, with a wait for the device after each step."""
    in_a_row: float
    """Mean, with a wait for the device only after the last step, as in the training loop."""


def make_batch(rows: int, length: int, vocabulary: int, parts: int, seed: int) -> Batch:
    """Makes rows of equal length, except every fourth row, two shorter.

    Args:
      rows: number of rows in each part.
      length: number of subwords in the source and in the target.
      vocabulary: number of subwords in the vocabulary.
      parts: number of parts in the batch.
      seed: seed of the ids.
    """
    rng = np.random.default_rng(seed)
    ids = rng.integers(RESERVED, vocabulary, [parts, 2, rows, length], dtype=np.int32)
    ids[:, :, ::4, max(1, length - 2) :] = PAD
    return [Part(source, target, np.float32(1 / parts)) for source, target in ids]


def time_steps(
    step: TrainStep, batch: Batch, steps: int, clock: Callable[[], float] = time.perf_counter
) -> StepTimes:
    """Times a step on one batch.

    Args:
      step: the step to time.
      batch: its input.
      steps: number of steps alone, and number in a row.
      clock: returns seconds.
    """

    def seconds(calls: int) -> float:
        started = clock()
        for _ in range(calls):
            loss = step(batch)
        float(loss)  # waits for the device
        return clock() - started

    first = seconds(1)
    seconds(1)  # some tuning happens at the second call
    alone = statistics.median(seconds(1) for _ in range(steps))
    return StepTimes(first, alone, seconds(steps) / steps)


def measure(config: PipelineConfig, rows: int, length: int, steps: int) -> dict[str, object]:
    """Times a step of a configuration.

    Args:
      config: the configuration; only `subwords`, `model`, `training` and `seed` are used.
      rows: see `make_batch`.
      length: see `make_batch`.
      steps: see `time_steps`.

    Returns:
      The times and a description of the machine, ready for JSON.
    """
    training, vocabulary = config.training, config.subwords.vocabulary_size
    state = make_state(config.model, training, vocabulary, config.seed, _LEARNING_RATE_STEPS)
    batch = make_batch(rows, length, vocabulary, training.accumulate_batches, config.seed)
    times = time_steps(make_train_step([state], training, config.seed), batch, steps)
    tokens = sum(int(np.count_nonzero(part.target_ids)) for part in batch)
    return {
        "machine": describe_this_machine(),
        "device": describe_machine(training),
        "rows": rows,
        "length": length,
        "first_s": round(times.first, 2),
        "alone_ms": round(1000 * times.alone, 2),
        "in_a_row_ms": round(1000 * times.in_a_row, 2),
        "target_tokens_per_s": round(tokens / times.in_a_row),
    }


def main(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    rows: Annotated[int, typer.Option(min=1, help="Sentences of a batch.")] = 48,
    length: Annotated[int, typer.Option(min=2, help="Subwords of a sentence.")] = 30,
    steps: Annotated[int, typer.Option(min=1, help="Steps to be timed, either way.")] = 50,
) -> None:
    """Time the training step of a configuration on made-up sentences."""
    settings = load_config(config, overrides or ())
    try:
        print(json.dumps(measure(settings, rows, length, steps)))
    except GPUError as error:
        raise RunFailedError(str(error)) from error


if __name__ == "__main__":
    run_program(main)
