"""The training loss: cross-entropy with label smoothing (Szegedy et al., 2016, section 7),

    L = mean over the target tokens y of  (1 - eps) * -log p(y) + eps * mean over v of -log p(v)

and, with R-Drop (Liang et al., 2021), the wish that dropout shall not matter: every pair goes
through the network twice, and the two distributions p and q of each token are drawn together.

    L + w * mean over the target tokens of  (KL(p || q) + KL(q || p)) / 2
"""

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
    consistency: float = 0.0,
) -> tf.Tensor:
    """Computes the loss of a batch.

    The output layer, the largest product of the network, is computed for real tokens only.

    Args:
      model: the model.
      source_ids: int32 [batch, source], padded with 0.
      target_ids: int32 [batch, target], padded with 0.
      label_smoothing: eps.
      dropout: while training.
      consistency: w; unless it is 0, the batch is computed twice.

    Returns:
      float32 scalar, in nats per token.
    """
    if consistency:
        source_ids, target_ids = (tf.concat([ids, ids], axis=0) for ids in (source_ids, target_ids))
    outputs, _ = model.force(model.encode(source_ids, dropout), target_ids, dropout)
    real = tf.where(tf.not_equal(target_ids, PAD))
    logits = model.logits(tf.gather_nd(outputs, real))
    normaliser = tf.reduce_logsumexp(logits, axis=-1)
    losses = normaliser - tf.gather(logits, tf.gather_nd(target_ids, real), batch_dims=1)
    if label_smoothing:
        smooth_losses = normaliser - tf.reduce_mean(logits, axis=-1)
        losses = (1 - label_smoothing) * losses + label_smoothing * smooth_losses
    if consistency:
        # The tokens of the batch come in order, and then once more.
        p, q = tf.split(logits - normaliser[:, None], 2)
        losses += consistency * tf.tile(divergence(p, q), [2])
    return tf.reduce_mean(losses)


def divergence(p: tf.Tensor, q: tf.Tensor) -> tf.Tensor:
    """The symmetric Kullback-Leibler divergence (KL(p || q) + KL(q || p)) / 2.

    Args:
      p: log-probabilities [..., vocabulary].
      q: likewise.

    Returns:
      [...], in nats.
    """
    return tf.reduce_sum((tf.exp(p) - tf.exp(q)) * (p - q), axis=-1) / 2
