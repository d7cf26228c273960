"""Calibrates the warnings of an export on the validation split.

The limit of each kind of doubt (`serving.doubt.kinds`) is chosen so that few good answers are
warned of, all kinds together. The same share of good answers lies above each limit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import sacrebleu
import tensorflow as tf

from serving.contract.batching import batches_by_length, in_order
from serving.contract.translation import Calibration, Translation, read_translation
from serving.doubt.kinds import KINDS, measure
from trainer.batching import Pairs
from trainer.subwords import SPECIAL_SYMBOLS, SubwordDecoder

MOST_WARNED = 0.03
"""Share of the good validation answers warned of, so that it is at most 5 % on other text: the
difference between two samples of 1,000 sentences has a standard error of 0.8 %."""
GOOD_FROM = 30.0
"""Sentence chrF of an answer that counts as good."""
FEWEST_GOOD = 25
"""With fewer good answers, all of them count: the model is too bad to be told by its best."""
_BATCH_SIZE = 32
_COUNTED_PAIRS = 100_000


class CalibrationText(NamedTuple):
    """The text for the calibration of an export."""

    surprisal: np.ndarray
    """float32 [vocabulary]: minus the log-probability of each subword in the sources of the
    training split; 0 for special symbols and pieces without letters."""
    sources: list[str]
    """Of the validation split."""
    references: list[str]

    @classmethod
    def of(
        cls, train: Pairs, validation: Pairs, indices: np.ndarray, vocabulary: list[str]
    ) -> CalibrationText:
        """Takes the text of the splits.

        Args:
          train: the training split.
          validation: the validation split.
          indices: the pairs of the validation split to use.
          vocabulary: for turning ids into text.
        """
        decoder = SubwordDecoder(vocabulary)
        sources, references = (
            [text.decode("utf-8") for text in decoder(tf.constant(side.padded(indices))).numpy()]
            for side in validation
        )
        step = 1 + len(train.source) // _COUNTED_PAIRS
        counts = np.zeros(len(vocabulary))
        for index in range(0, len(train.source), step):
            np.add.at(counts, train.source[index], 1)
        surprisal = _surprisal(counts)
        without_letters = [not any(map(str.isalpha, piece)) for piece in vocabulary]
        return cls(np.where(without_letters, 0, surprisal), sources, references)


def surprise(ids: tf.Tensor, text: tf.Tensor, surprisal: tf.Tensor) -> tf.Tensor:
    """Computes how unlike the training text sources are.

    It is the geometric mean of the surprisal for each subword and that for each character. Another
    language has rare subwords, or if it shares short ones, more of them.

    Args:
      ids: int64 [batch, longest], padded.
      text: string [batch], the same as text.
      surprisal: of each subword, float32 [vocabulary].

    Returns:
      float32 [batch]; 0 for an empty text.
    """
    total = tf.reduce_sum(tf.gather(surprisal, ids), axis=1)
    subwords = tf.reduce_sum(tf.cast(tf.gather(surprisal, ids) > 0, tf.float32), axis=1)
    characters = tf.cast(tf.strings.length(text, unit="UTF8_CHAR"), tf.float32)
    return tf.math.divide_no_nan(total, tf.sqrt(subwords * characters))


def calibrate(
    translate: Callable[[tf.Tensor], dict[str, tf.Tensor]], text: CalibrationText
) -> dict[str, float]:
    """Finds the limits of an export.

    Args:
      translate: its signature `serving_default`, whose limits have no meaning yet.
      text: the text of the calibration.

    Returns:
      By name, the values for its output `doubt` after the first one: the usual ratio of the lengths
      and the limits of `KINDS`, in this order.
    """
    answers = _translated(translate, text.sources)
    scores = [
        sacrebleu.sentence_chrf(answer.text, [reference]).score
        for answer, reference in zip(answers, text.references, strict=True)
    ]
    is_good = np.array(scores) >= GOOD_FROM
    if is_good.sum() < FEWEST_GOOD:
        is_good[:] = True
    good = [(text.sources[row], answers[row]) for row in np.flatnonzero(is_good)]
    ratio = sum(len(answer.text) for _, answer in good) / sum(len(source) for source, _ in good)
    values = np.array([_measured(source, answer, ratio) for source, answer in good])
    return {"length_ratio": ratio, **dict(zip(KINDS, _limits(values), strict=True))}


def _translated(
    translate: Callable[[tf.Tensor], dict[str, tf.Tensor]], sources: Sequence[str]
) -> list[Translation]:
    batches = batches_by_length([len(source) for source in sources], _BATCH_SIZE)
    answers = []
    for batch in batches:
        outputs = translate(tf.constant([sources[place] for place in batch]))
        response = {name: value.numpy() for name, value in outputs.items()}
        answers.append([read_translation(response, row) for row in range(len(batch))])
    return in_order(batches, answers)


def _measured(source: str, answer: Translation, ratio: float) -> list[float]:
    assert answer.calibration is not None, "an export to calibrate measures the surprise"
    known = Calibration(answer.calibration.surprise, ratio, ())
    return [measure(kind, source, answer, known) for kind in KINDS.values()]


def _limits(values: np.ndarray) -> list[float]:
    """Returns the lowest limits for which at most `MOST_WARNED` of the answers are warned of.

    Args:
      values: the values of good answers, [answers, kinds].
    """
    lowest = [-np.inf if np.isinf(kind.limit) else kind.limit for kind in KINDS.values()]
    values = np.where([kind.is_certain for kind in KINDS.values()], 0, values)
    highest_first = -np.sort(-values, axis=0)
    limits = np.maximum(highest_first[0], lowest)
    for each in highest_first:
        lower = np.maximum(each, lowest)
        if (values > lower).any(axis=1).mean() > MOST_WARNED:
            break
        limits = lower
    # Rounding to the float32 of the export must not warn of an answer at a limit.
    return np.nextafter(limits.astype(np.float32), np.float32(np.inf)).tolist()


def _surprisal(counts: np.ndarray) -> np.ndarray:
    """Returns minus the log-probabilities, with half a count for subwords never seen."""
    probabilities = (counts + 0.5) / (counts + 0.5).sum()
    surprisal = -np.log(probabilities).astype(np.float32)
    surprisal[: len(SPECIAL_SYMBOLS)] = 0
    return surprisal
