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
    *,
    with_padding: bool = False,
) -> tf.Tensor:
    """The mean over all real target tokens of (1 - eps) * -log p(y) + eps * mean over the
    vocabulary of -log p_vocabulary, which is p itself unless the model copies.

    The output layer, the largest product of the network, is computed for real tokens only, or with
    padding, too: a GPU multiplies it faster than it tells the host how much of it there is.

    Args:
      model: the model.
      source_ids: int32 [batch, source], padded with 0.
      target_ids: int32 [batch, target], padded with 0.
      label_smoothing: eps.
      dropout: while training.
      with_padding: whether no shape depends on the values of the ids.

    Returns:
      float32 scalar, in nats per token.
    """
    outputs, weights = model.force(model.encode(source_ids, dropout), target_ids, dropout)
    is_real = tf.not_equal(target_ids, PAD)
    real = None if with_padding else tf.where(is_real)

    def rows(x: tf.Tensor) -> tf.Tensor:
        """[batch, target, ...] -> [tokens, ...]."""
        return tf.reshape(x, [-1, *x.shape[2:]]) if real is None else tf.gather_nd(x, real)

    outputs = rows(outputs)
    logits = model.logits(outputs)
    # Sums that keep their axis, and gather_nd: for their gradients a GPU computes no shapes, which
    # the host would wait for.
    normaliser = tf.reduce_logsumexp(logits, axis=-1, keepdims=True)[:, 0]
    chosen = tf.stack([tf.range(tf.shape(logits)[0]), rows(target_ids)], axis=1)
    log_probs = tf.gather_nd(logits, chosen) - normaliser
    if model.pointer is not None:
        copied = rows(attention_on_targets(weights, source_ids, target_ids))
        log_probs = model.pointer.mix(outputs, log_probs[:, None], copied[:, None])[:, 0]
    if label_smoothing:
        mean = tf.reduce_mean(logits, axis=-1, keepdims=True)[:, 0]
        smooth_loss = normaliser - mean
        losses = (label_smoothing - 1) * log_probs + label_smoothing * smooth_loss
    else:
        losses = -log_probs
    if not with_padding:
        return tf.reduce_mean(losses)
    counted = tf.cast(rows(is_real), losses.dtype)
    return tf.reduce_sum(losses * counted) / tf.reduce_sum(counted)
