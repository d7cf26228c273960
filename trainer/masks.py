"""Masks the protected parts of a sentence: a placeholder, a tag or an address is one subword.

The decoder copies a mask through its pointer (`trainer.copying`), wherever the translation needs
it, and the search keeps each (`trainer.beam_search`). So what it stands for is kept to the letter.
Only operations of TensorFlow's core are used.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from text.characters import MASKS, WORD_START
from text.protected import (
    ACCELERATORS,
    FIRST_LETTER,
    HIDDEN_PERCENT,
    ORDERED,
    PATTERN,
    PERCENTAGE,
)
from trainer.ensemble import AnyModel
from trainer.subwords import MASK_IDS, has_masks

_SEPARATOR = "\x1f"  # a control character, never in normalised text
_MASK = f"([{MASKS[0]}-{MASKS[-1]}])"
_LAST_BYTE = MASKS[0].encode()[-1]


class Masked(NamedTuple):
    """Sentences with masks in place of their protected parts."""

    text: tf.Tensor
    """string [batch]."""
    parts: tf.Tensor
    """What each mask stands for, string [batch, masks]; empty for a mask that is not used."""
    accelerator: tf.Tensor
    """The mark of a keyboard shortcut taken from the text, or an empty string [batch]."""


def uses_masks(model: AnyModel, vocabulary: Sequence[str]) -> bool:
    """Whether a model can copy masks, and its vocabulary has them."""
    return has_masks(vocabulary) and model.copies


def mask(text: tf.Tensor) -> Masked:
    """Masks the protected parts of sentences, in the order of the masks.

    Args:
      text: string [batch], normalised. Parts beyond the number of masks stay in the text.
    """
    accelerator = tf.fill(tf.shape(text), "")
    for sign, pattern in ACCELERATORS:
        accelerator = tf.where(tf.strings.regex_full_match(text, pattern), sign, accelerator)
        text = tf.strings.regex_replace(text, pattern, r"\1\2")
    marked = tf.strings.regex_replace(text, PERCENTAGE, rf"\1{HIDDEN_PERCENT}")
    marked = tf.strings.regex_replace(marked, PATTERN, rf"\1{_SEPARATOR}\2\3{_SEPARATOR}")
    marked = tf.strings.regex_replace(marked, HIDDEN_PERCENT, "%")
    text, parts = tf.cond(
        tf.reduce_any(tf.not_equal(marked, text)),
        lambda: _take_parts(marked),
        lambda: (text, tf.fill([tf.size(text), len(MASKS)], "")),
    )
    return Masked(text, parts, accelerator)


def _take_parts(marked: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Takes the parts between separators out of texts, string [batch]."""
    pieces = tf.strings.split(marked, _SEPARATOR)  # every second piece is a part
    place = tf.cast(tf.ragged.range(pieces.row_lengths()).flat_values, tf.int32)
    is_masked = tf.equal(place % 2, 1) & (place < 2 * len(MASKS))
    masks = tf.gather(MASKS, tf.minimum(place // 2, len(MASKS) - 1))
    text = pieces.with_flat_values(tf.where(is_masked, masks, pieces.flat_values))
    parts = tf.ragged.boolean_mask(pieces, pieces.with_flat_values(is_masked))
    return tf.strings.reduce_join(text, axis=-1), parts.to_tensor("", shape=[None, len(MASKS)])


def ordered_masks(parts: tf.Tensor) -> tf.Tensor:
    """Returns the masks whose parts must keep their order, as bits of an int32 [batch]."""
    is_ordered = tf.strings.regex_full_match(parts, ORDERED)
    return tf.reduce_sum(tf.where(is_ordered, [1 << number for number in range(len(MASKS))], 0), 1)


def mask_target(target: tf.Tensor, source: Masked) -> tf.Tensor:
    """Masks the parts of given translations with the masks of their sources.

    Args:
      target: string [batch], normalised.
      source: the sources.

    Returns:
      string [batch]; parts that are not in the source stay.
    """
    own = mask(target)
    is_same = _is_same(own.parts, source.parts)
    is_same &= tf.equal(_count_before(own.parts)[:, :, None], _count_before(source.parts)[:, None])
    masks = tf.gather(MASKS, tf.argmax(is_same, axis=2))
    return unmask(own.text, tf.where(tf.reduce_any(is_same, axis=2), masks, own.parts))


def _is_same(parts: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Compares all parts with all others of their sentence, bool [batch, masks, masks]."""
    return tf.equal(parts[:, :, None], others[:, None])


def _count_before(parts: tf.Tensor) -> tf.Tensor:
    """Counts the equal parts before each part, int32 [batch, masks]."""
    is_same = tf.cast(_is_same(parts, parts), tf.int32)
    return tf.reduce_sum(tf.linalg.band_part(is_same, -1, 0), axis=2)


def unmask(text: tf.Tensor, parts: tf.Tensor) -> tf.Tensor:
    """Writes what the masks stand for.

    Args:
      text: string [batch] or [batch, beam].
      parts: string [batch, masks].
    """
    return tf.cond(_any_masks(parts), lambda: _put_parts(text, parts), lambda: text)


def _any_masks(parts: tf.Tensor) -> tf.Tensor:
    return tf.reduce_any(tf.not_equal(parts, ""))


def _put_parts(text: tf.Tensor, parts: tf.Tensor) -> tf.Tensor:
    marked = tf.strings.regex_replace(text, _MASK, rf"{_SEPARATOR}\1{_SEPARATOR}")
    pieces = tf.strings.split(tf.reshape(marked, [-1]), _SEPARATOR)
    row = pieces.value_rowids() * tf.size(parts, tf.int64)
    row //= tf.cast(len(MASKS) * tf.size(text), tf.int64)
    is_mask = tf.strings.regex_full_match(pieces.flat_values, _MASK)
    last_byte = tf.io.decode_raw(pieces.flat_values, tf.uint8, fixed_length=3)[:, 2]
    number = tf.where(is_mask, tf.cast(last_byte, tf.int64) - _LAST_BYTE, 0)
    chosen = tf.gather_nd(parts, tf.stack([row, number], axis=1))
    whole = pieces.with_flat_values(tf.where(is_mask, chosen, pieces.flat_values))
    return tf.reshape(tf.strings.reduce_join(whole, axis=-1), tf.shape(text))


def unmask_symbols(symbols: tf.Tensor, ids: tf.Tensor, parts: tf.Tensor) -> tf.Tensor:
    """Replaces the symbols of masks by what they stand for, spaces written as `▁`.

    Args:
      symbols: string [batch, ...].
      ids: their ids, of the same shape.
      parts: string [batch, masks].
    """
    number = tf.cast(ids, tf.int32) - MASK_IDS.start
    is_mask = (number >= 0) & (number < len(MASKS))
    shown = tf.strings.regex_replace(parts, " ", WORD_START)
    chosen = tf.gather(shown, tf.where(is_mask, number, 0), batch_dims=1)
    return tf.where(is_mask, chosen, symbols)


def put_accelerator(text: tf.Tensor, accelerator: tf.Tensor) -> tf.Tensor:
    """Puts the mark of a keyboard shortcut before the first letter of translations.

    Args:
      text: string [batch, beam], with masks.
      accelerator: string [batch].
    """
    for sign in dict(ACCELERATORS):
        marked = tf.strings.regex_replace(text, FIRST_LETTER, rf"\1{sign}\2", replace_global=False)
        text = tf.where(tf.equal(accelerator, sign)[:, None], marked, text)
    return text
