"""Validates a model during training: its loss, and the scores of its translations.

The translations come from the search of the exported model.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from trainer.batching import Pairs, cut_by_tokens
from trainer.loss import translation_loss
from trainer.model import TranslationModel
from trainer.scoring import Judge, Scoring
from trainer.settings import DecodingSettings
from trainer.subwords import PAD, SubwordDecoder
from trainer.translation import search
from trainer.translation_statistics import corpus_score, judge_of

TOKENS_PER_BATCH = 4000
EXAMPLES = 2


class Scores(NamedTuple):
    """The scores of one validation."""

    loss: float
    """Cross-entropy without label smoothing, nats per token."""
    bleu: float
    """Corpus BLEU of sacreBLEU (cased)."""
    chrf: float
    """Corpus chrF of sacreBLEU."""


class Example(NamedTuple):
    """A sentence of the validation, and the model's translation."""

    source: str
    translation: str


class Validator(NamedTuple):
    """Scores the model with its current weights when called."""

    validate: Callable[[], Scores]
    translate_examples: Callable[[], list[Example]]
    """Translates the same few sentences each time."""
    judge: Judge
    """The metric that chooses the best epoch."""


def make_validator(
    model: TranslationModel,
    pairs: Pairs,
    indices: np.ndarray,
    vocabulary: list[str],
    decoding: DecodingSettings,
    scoring: Scoring,
) -> Validator:
    """Returns a function for scoring the model with its current weights, and its judge.

    Args:
      model: the model, with its weights at the time of the call.
      pairs: the validation split.
      indices: indices of the sentences to use.
      vocabulary: for turning ids into text.
      decoding: the search of the exported model. Greedy search may prefer another epoch.
      scoring: the wanted metric, and the tokeniser of BLEU.

    Raises:
      MissingTokeniserError: the tokeniser cannot be loaded.
    """
    signature = [tf.TensorSpec([None, None], tf.int32)] * 2

    @tf.function(autograph=False, input_signature=signature[:1])
    def translate(source_ids: tf.Tensor) -> tf.Tensor:
        return search(model, source_ids, decoding).ids[:, 0]

    @tf.function(autograph=False, input_signature=signature)
    def total_loss(source_ids: tf.Tensor, target_ids: tf.Tensor) -> tf.Tensor:
        tokens = tf.math.count_nonzero(target_ids, dtype=tf.float32)
        return translation_loss(model, source_ids, target_ids) * tokens

    lengths = np.maximum(pairs.source.lengths, pairs.target.lengths) + 1
    batches = cut_by_tokens(
        lengths, indices[np.argsort(lengths[indices], kind="stable")], TOKENS_PER_BATCH
    )
    decoder = SubwordDecoder(vocabulary)
    references = [
        text
        for batch in batches
        for text in _texts(decoder, tf.constant(pairs.target.padded(batch)))
    ]

    def validate() -> Scores:
        loss, tokens, hypotheses = 0.0, 0, []
        for batch in batches:
            source_ids, target_ids = pairs.source.padded(batch), pairs.target.padded(batch)
            loss += float(total_loss(source_ids, target_ids))
            tokens += int(np.count_nonzero(target_ids != PAD))
            hypotheses += _texts(decoder, translate(source_ids))
        return Scores(
            loss / tokens,
            corpus_score("bleu", hypotheses, references, scoring.tokeniser),
            corpus_score("chrf", hypotheses, references),
        )

    def translate_examples() -> list[Example]:
        source_ids = tf.constant(pairs.source.padded(indices[:EXAMPLES]))
        sides = (_texts(decoder, ids) for ids in (source_ids, translate(source_ids)))
        return [*map(Example, *sides)]

    return Validator(validate, translate_examples, judge_of(scoring, references))


def _texts(decoder: SubwordDecoder, ids: tf.Tensor) -> list[str]:
    return [text.decode("utf-8") for text in decoder(ids).numpy()]
