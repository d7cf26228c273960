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
    """Computes the training loss of a batch.

    It is the mean over all real target tokens of

        (1 - eps) * -log p(y) + eps * mean over the vocabulary of -log p_vocabulary

    where p_vocabulary equals p unless the model copies.

    The output layer is the largest product of the network. By default it is computed for real
    tokens only. With padding, no shape depends on the ids: a GPU computes the larger product faster
    than it could report the number of real tokens to the host.

    Args:
      model: the model.
      source_ids: int32 [batch, source], padded with 0.
      target_ids: int32 [batch, target], padded with 0.
      label_smoothing: eps.
      dropout: dropout for training.
      with_padding: whether to compute the output layer on padding too.

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
    # With keepdims and gather_nd, the gradients on a GPU compute no shapes. The host would have to
    # wait for these.
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
