"""Translates ids with a model: the search with the decoding settings, and forced decoding."""

import functools

import tensorflow as tf

from trainer.beam_search import Hypotheses, beam_search, coverage_penalty, length_penalty
from trainer.ensemble import AnyModel
from trainer.settings import DecodingSettings
from trainer.shortlist import Shortlist
from trainer.spelling import Spelling
from trainer.subwords import END, PAD


def search(
    model: AnyModel,
    source_ids: tf.Tensor,
    settings: DecodingSettings,
    beam_size: int | None = None,
    shortlist: Shortlist | None = None,
    masks: range = range(0),
    ordered: tf.Tensor | None = None,
) -> Hypotheses:
    """Translates a batch.

    Args:
      model: the model, or several.
      source_ids: int [batch, source], with end symbols, padded with 0.
      settings: beam, penalties and longest translation.
      beam_size: replaces the beam size of the settings.
      shortlist: the target subwords to choose from; by default the whole vocabulary.
      masks: subwords to keep: a translation has those of its source, each once.
      ordered: those of them to keep in their order, as bits of an int32 [batch].

    Returns:
      The hypotheses, best first.
    """
    encoded = model.encode(source_ids)
    chosen = common = None
    if shortlist is not None:
        chosen = shortlist(source_ids)
        encoded, common = model.choose_from(encoded, chosen, shortlist.common)
    lengths = tf.math.count_nonzero(source_ids, axis=1, dtype=tf.float32)
    max_lengths = tf.cast(settings.target_ratio * lengths, tf.int32) + settings.target_offset
    return beam_search(
        functools.partial(model.step, common=common),
        encoded,
        encoded.initial_state,
        max_lengths,
        _words_to_cover(source_ids),
        beam_size=beam_size or settings.beam_size,
        alpha=settings.length_penalty,
        beta=settings.coverage_penalty,
        shortlist=chosen,
        spelling=Spelling(model.vocabulary_size, forbidden=masks),
        owed=_masks_in(source_ids, masks) if masks else None,
        ordered=ordered,
        masks=masks,
    )


def force(
    model: AnyModel,
    source_ids: tf.Tensor,
    target_ids: tf.Tensor,
    shortlist: Shortlist | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Scores given targets (forced decoding).

    Args:
      model: the model, or several.
      source_ids: int [batch, source], with end symbols, padded with 0.
      target_ids: int [batch, target], likewise.
      shortlist: the shortlist of the search. The subwords of a target are added to its own, so a
        translation by the search gets the same log-probabilities as there.

    Returns:
      The log-probability of each target token, float32 [batch, target], and the attention weights
      [batch, target, source]; both 0 on padding.
    """
    encoded = model.encode(source_ids)
    places, common = target_ids, None
    if shortlist is not None:
        chosen = shortlist(source_ids, target_ids)
        encoded, common = model.choose_from(encoded, chosen, shortlist.common)
        places = tf.argmax(tf.equal(tf.cast(target_ids, tf.int32)[:, :, None], chosen[:, None]), 2)
    outputs, attention = model.force(encoded, target_ids)
    log_probs = tf.gather(model.predict(encoded, outputs, attention, common), places, batch_dims=2)
    is_real = tf.not_equal(target_ids, PAD)
    return tf.where(is_real, log_probs, 0.0), tf.where(is_real[:, :, None], attention, 0.0)


def score(
    source_ids: tf.Tensor,
    target_ids: tf.Tensor,
    log_probs: tf.Tensor,
    attention: tf.Tensor,
    settings: DecodingSettings,
) -> tf.Tensor:
    """Scores given translations in the same way as the search scores its hypotheses.

    Args:
      source_ids: int [batch, source], with end symbols, padded with 0.
      target_ids: int [batch, target], likewise.
      log_probs: log-probabilities from `force`.
      attention: attention weights from `force`.
      settings: the penalties.

    Returns:
      float32 [batch].
    """
    lengths = tf.math.count_nonzero(target_ids, axis=1, dtype=tf.int32)
    likelihood = tf.reduce_sum(log_probs, axis=1) / length_penalty(lengths, settings.length_penalty)
    coverage = tf.reduce_sum(attention, axis=1)
    return likelihood + coverage_penalty(
        coverage, _words_to_cover(source_ids), settings.coverage_penalty
    )


def _masks_in(source_ids: tf.Tensor, masks: range) -> tf.Tensor:
    """Returns the masks of each source as bits, int32 [batch]."""
    number = tf.cast(source_ids, tf.int32) - masks.start  # no other id has a 1 there
    is_there = tf.reduce_max(tf.one_hot(number, len(masks), dtype=tf.int32), axis=1)
    return tf.reduce_sum(is_there * [1 << number for number in range(len(masks))], axis=1)


def _words_to_cover(source_ids: tf.Tensor) -> tf.Tensor:
    """Marks all positions except padding and the end symbol, bool [batch, source]."""
    return tf.not_equal(source_ids, PAD) & tf.not_equal(source_ids, END)
