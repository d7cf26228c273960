"""The lines that a training writes on the screen, and its curves in TensorBoard."""

import logging
import time
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from trainer.batching import Batch
from trainer.scoring import METRIC_NAMES, Metric
from trainer.subwords import PAD
from trainer.training_state import TrainingState
from trainer.validation import Example, Scores

LOGGER = logging.getLogger("trainer.training")
STEPS_PER_LINE = 100
_LONGEST_EXAMPLE = 100


class StepLog:
    """Writes a line every hundred steps: how far the training is, and how it goes.

    The loss is the mean since the last line. It is read only for the line, so a GPU gets the next
    step before it has finished the current one.
    """

    def __init__(self, state: TrainingState, steps: int, writer: tf.summary.SummaryWriter):
        """Begins to measure.

        Args:
          state: the state of the training.
          steps: steps of the whole training, without early stopping.
          writer: writes to TensorBoard.
        """
        self._state, self._steps, self._writer = state, steps, writer
        self._begin()

    def _begin(self) -> None:
        self._since, self._tokens, self._seen = time.monotonic(), 0, 0
        self._loss_before = float(self._state.loss_sum)

    def add(self, step: int, batch: Batch) -> None:
        """Counts a step, with its number from 1 in the whole training."""
        self._seen += 1
        self._tokens += sum(int(np.count_nonzero(part.target_ids != PAD)) for part in batch)
        if step % STEPS_PER_LINE:
            return
        loss = (float(self._state.loss_sum) - self._loss_before) / self._seen
        seconds = time.monotonic() - self._since  # reading the loss has waited for the step to end
        speed = self._tokens / seconds
        LOGGER.info(
            "epoch %d, step %s of %s (%.0f %%), loss %.3f, %.0f tokens/s, %s left",
            int(self._state.epoch) + 1,
            f"{step:,}",
            f"{self._steps:,}",
            100 * step / self._steps,
            loss,
            speed,
            in_words(seconds / self._seen * (self._steps - step)),
        )
        with self._writer.as_default(step):
            tf.summary.scalar("train/loss", loss)
            tf.summary.scalar("train/tokens_per_second", speed)
            tf.summary.scalar("train/learning_rate", self._state.optimizer.learning_rate)
        self._begin()


def write_scores(scores: Scores, step: int, writer: tf.summary.SummaryWriter) -> None:
    """Writes the scores of a validation to TensorBoard."""
    with writer.as_default(step):
        tf.summary.scalar("validation/loss", scores.loss)
        tf.summary.scalar("validation/bleu", scores.bleu)
        tf.summary.scalar("validation/chrf", scores.chrf)
    writer.flush()


def log_epoch(
    entry: dict[str, float],
    epochs: int,
    scores: Scores,
    metric: Metric,
    is_best: bool,
    examples: Sequence[Example],
) -> None:
    """Writes the line of an epoch, and some translations.

    Args:
      entry: of the history.
      epochs: largest number of epochs.
      scores: of the validation.
      metric: the one to name.
      is_best: whether no epoch was better.
      examples: sentences of the validation, with the model's translations.
    """
    LOGGER.info(
        "epoch %d of %d: %.0f s, loss %.3f, validation loss %.3f, validation %s %.2f%s",
        entry["epoch"],
        epochs,
        entry["seconds"],
        entry["train_loss"],
        scores.loss,
        METRIC_NAMES[metric],
        getattr(scores, metric),
        ", the best so far" if is_best else "",
    )
    for example in examples:
        LOGGER.info("  %s -> %s", _shortened(example.source), _shortened(example.translation))


def in_words(seconds: float) -> str:
    """Returns a duration, such as `40 s`, `12 min` or `3 h 5 min`."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_EXAMPLE else text[: _LONGEST_EXAMPLE - 3] + "..."
