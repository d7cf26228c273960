"""The training loss: cross-entropy with label smoothing (Szegedy et al., 2016, section 7)."""

import tensorflow as tf

from trainer.layers import NO_DROPOUT, Dropout
from trainer.model import TranslationModel
from trainer.subwords import PAD


def translation_loss(
    model: TranslationModel,
    source_ids: tf.Tensor,
    target_ids: tf.Tensor,
    label_smoothing: float = 0.0,
    dropout: Dropout = NO_DROPOUT,
) -> tf.Tensor:
    """The mean over all real target tokens of (1 - eps) * -log p(y) + eps * mean over the
    vocabulary of -log p.

    The output layer, the largest product of the network, is computed for real tokens only.

    Args:
      model: the model.
      source_ids: int32 [batch, source], padded with 0.
      target_ids: int32 [batch, target], padded with 0.
      label_smoothing: eps.
      dropout: while training.

    Returns:
      float32 scalar, in nats per token.
    """
    outputs, _ = model.force(model.encode(source_ids, dropout), target_ids, dropout)
    real = tf.where(tf.not_equal(target_ids, PAD))
    logits = model.logits(tf.gather_nd(outputs, real))
    normaliser = tf.reduce_logsumexp(logits, axis=-1)
    log_loss = normaliser - tf.gather(logits, tf.gather_nd(target_ids, real), batch_dims=1)
    if not label_smoothing:
        return tf.reduce_mean(log_loss)
    smooth_loss = normaliser - tf.reduce_mean(logits, axis=-1)
    return tf.reduce_mean((1 - label_smoothing) * log_loss + label_smoothing * smooth_loss)
