"""Translating ids with a model: the search with the decoding settings, and forced decoding."""

import tensorflow as tf

from trainer.beam_search import Hypotheses, beam_search
from trainer.model import TranslationModel
from trainer.settings import DecodingSettings
from trainer.subwords import PAD


def search(
    model: TranslationModel,
    source_ids: tf.Tensor,
    settings: DecodingSettings,
    beam_size: int | None = None,
) -> Hypotheses:
    """Translates a batch.

    Args:
      model: the model.
      source_ids: int [batch, source], with end symbols, padded with 0.
      settings: beam, length penalty and longest translation.
      beam_size: instead of the settings' own.

    Returns:
      The hypotheses, best first.
    """
    encoded = model.encode(source_ids)
    lengths = tf.math.count_nonzero(source_ids, axis=1, dtype=tf.float32)
    max_lengths = tf.cast(settings.target_ratio * lengths, tf.int32) + settings.target_offset
    return beam_search(
        lambda tokens, state: model.step(encoded, tokens, state),
        encoded.initial_state,
        max_lengths,
        beam_size or settings.beam_size,
        settings.length_penalty,
    )


def force(
    model: TranslationModel, source_ids: tf.Tensor, target_ids: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Scores given targets (forced decoding).

    Args:
      model: the model.
      source_ids: int [batch, source], with end symbols, padded with 0.
      target_ids: int [batch, target], likewise.

    Returns:
      The log-probability of each target token, float32 [batch, target], and the attention weights
      [batch, target, source]; both 0 on padding.
    """
    encoded = model.encode(source_ids)
    outputs, attention = model.force(encoded, target_ids)
    logits = model.predict(encoded, outputs, attention)
    log_probs = tf.gather(tf.nn.log_softmax(logits), target_ids, batch_dims=2)
    is_real = tf.not_equal(target_ids, PAD)
    return tf.where(is_real, log_probs, 0.0), tf.where(is_real[:, :, None], attention, 0.0)
