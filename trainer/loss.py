"""The training loss: cross-entropy with label smoothing (Szegedy et al., 2016, section 7)."""

import tensorflow as tf

from trainer.copying import attention_on_targets
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
    vocabulary of -log p_vocabulary, which is p itself unless the model copies.

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
    outputs, weights = model.force(model.encode(source_ids, dropout), target_ids, dropout)
    real = tf.where(tf.not_equal(target_ids, PAD))
    outputs = tf.gather_nd(outputs, real)
    logits = model.logits(outputs)
    normaliser = tf.reduce_logsumexp(logits, axis=-1)
    log_probs = tf.gather(logits, tf.gather_nd(target_ids, real), batch_dims=1) - normaliser
    if model.pointer is not None:
        copied = tf.gather_nd(attention_on_targets(weights, source_ids, target_ids), real)
        log_probs = model.pointer.mix(outputs, log_probs[:, None], copied[:, None])[:, 0]
    if not label_smoothing:
        return -tf.reduce_mean(log_probs)
    smooth_loss = normaliser - tf.reduce_mean(logits, axis=-1)
    return tf.reduce_mean((label_smoothing - 1) * log_probs + label_smoothing * smooth_loss)
