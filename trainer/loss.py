"""The training loss: cross-entropy with label smoothing (Szegedy et al., 2016, section 7)."""

from collections.abc import Callable

import tensorflow as tf

from trainer.copying import SMALLEST, attention_on_targets
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
    links: "tf.Tensor | tuple[()]" = (),
    alignment_weight: float = 0.0,
) -> tf.Tensor:
    """Computes the training loss of a batch.

    It is the mean over all real target tokens of

        (1 - eps) * -log p(y) + eps * mean over the vocabulary of -log p_vocabulary

    where p_vocabulary equals p unless the model copies. With a weight w for links, each real target
    token linked to source position a_t adds

        -w log alpha_t(a_t)

    so that attention learns to align (Garg et al., 2019, equation 5).

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
      links: the source position of each target position, or -1, int32 [batch, target].
      alignment_weight: w; without it there need be no links.

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
    log_probs, mean = _log_probabilities(model.logits(outputs), rows(target_ids))
    if model.pointer is not None:
        copied = rows(attention_on_targets(weights, source_ids, target_ids))
        log_probs = model.pointer.mix(outputs, log_probs[:, None], copied[:, None])[:, 0]
    losses = (label_smoothing - 1) * log_probs - label_smoothing * mean
    if alignment_weight:
        losses += alignment_weight * rows(_loss_of_links(weights, links))
    if not with_padding:
        return tf.reduce_mean(losses)
    counted = tf.cast(rows(is_real), losses.dtype)
    return tf.reduce_sum(losses * counted) / tf.reduce_sum(counted)


def _loss_of_links(weights: tf.Tensor, links: tf.Tensor) -> tf.Tensor:
    """Returns -log of the attention on the position linked, 0 without a link; [batch, target]."""
    is_link = tf.equal(tf.range(tf.shape(weights)[2]), links[:, :, None])
    on_link = tf.reduce_sum(tf.where(is_link, weights, 0.0), axis=2)
    return tf.where(links < 0, 0.0, -tf.math.log(tf.maximum(on_link, SMALLEST)))


@tf.custom_gradient
def _log_probabilities(
    logits: tf.Tensor, chosen: tf.Tensor
) -> tuple[tuple[tf.Tensor, tf.Tensor], Callable[..., tuple[tf.Tensor, None]]]:
    """Computes log-probabilities of one subword each, and their means over the vocabulary.

    Logits are the largest tensor of a step, so their exponentials are kept for both gradients:

        d log p(y) / dx = 1_y - softmax(x)
        d mean / dx     = 1/V - softmax(x)

    Args:
      logits: x, float32 [tokens, vocabulary].
      chosen: y, int32 [tokens].

    Returns:
      log p(y) and mean over the vocabulary of log p, float32 [tokens].
    """
    largest = tf.reduce_max(logits, axis=-1, keepdims=True)
    exponentials = tf.exp(logits - largest)
    total = tf.reduce_sum(exponentials, axis=-1)
    normaliser = tf.math.log(total) + largest[:, 0]
    places = tf.stack([tf.range(tf.shape(logits)[0]), chosen], axis=1)
    log_probs = tf.gather_nd(logits, places) - normaliser
    means = tf.reduce_mean(logits, axis=-1) - normaliser

    def gradient(of_log_probs: tf.Tensor, of_means: tf.Tensor) -> tuple[tf.Tensor, None]:
        share = (of_log_probs + of_means) / total
        spread = (of_means / logits.shape[1])[:, None] - share[:, None] * exponentials
        return tf.tensor_scatter_nd_add(spread, places, of_log_probs), None

    return (log_probs, means), gradient
