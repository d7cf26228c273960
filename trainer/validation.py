"""Validates a model during training: its loss, and the BLEU of its translations.

The translations come from the search of the exported model.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import sacrebleu
import tensorflow as tf

from trainer.batching import Pairs, cut_by_tokens
from trainer.loss import translation_loss
from trainer.model import TranslationModel
from trainer.settings import DecodingSettings
from trainer.subwords import PAD, SubwordDecoder
from trainer.translation import search

TOKENS_PER_BATCH = 4000


class Scores(NamedTuple):
    """The scores of one validation."""

    loss: float
    """Cross-entropy without label smoothing, nats per token."""
    bleu: float
    """Corpus BLEU of sacreBLEU (cased, 13a)."""


def make_validator(
    model: TranslationModel,
    pairs: Pairs,
    indices: np.ndarray,
    vocabulary: list[str],
    decoding: DecodingSettings,
) -> Callable[[], Scores]:
    """Returns a function for scoring the model with its current weights.

    Args:
      model: the model, with its weights at the time of the call.
      pairs: the validation split.
      indices: indices of the sentences to use.
      vocabulary: for turning ids into text.
      decoding: the search of the exported model. Greedy search may prefer another epoch.
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

    def validate() -> Scores:
        loss, tokens, hypotheses, references = 0.0, 0, [], []
        for batch in batches:
            source_ids, target_ids = pairs.source.padded(batch), pairs.target.padded(batch)
            loss += float(total_loss(source_ids, target_ids))
            tokens += int(np.count_nonzero(target_ids != PAD))
            hypotheses += _texts(decoder, translate(source_ids))
            references += _texts(decoder, tf.constant(target_ids))
        return Scores(loss / tokens, sacrebleu.corpus_bleu(hypotheses, [references]).score)

    return validate


def _texts(decoder: SubwordDecoder, ids: tf.Tensor) -> list[str]:
    return [text.decode("utf-8") for text in decoder(ids).numpy()]
