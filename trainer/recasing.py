"""Reads capitals and title case as ordinary text, since a model learns few such words.

The vocabulary knows how a word is usually written: in the form that is cut into the fewest
subwords, and among such forms in the one whose subwords were learned first, since they are the most
frequent. PDF stays PDF, and DEBIAN becomes Debian.
"""

from collections.abc import Callable

import tensorflow as tf

from text.characters import WORD_START
from text.normal_form import split_words

_LETTERS = rf"{WORD_START}?[\p{{L}}\p{{M}}]+"
_CAPITALISED = rf"{WORD_START}?\p{{Lu}}[\p{{Ll}}\p{{M}}]*"
_LONG_AND_SMALL = rf"{WORD_START}\p{{Ll}}[\p{{L}}\p{{M}}]{{3,}}"
_FEWEST_IN_TITLE_CASE = 4
"""Fewer capitalised words are rather a name."""
_RARITY_OF_CAPITALS = 4
"""Best of 1, 2, 4, 8 on validation sources in capitals: 98.9 % (Multi30k) and 90.0 % (Debian) of
the words come back. A joint vocabulary also has capitals of the other language."""
_LATEST = 1 << 20
"""More than any id times `_RARITY_OF_CAPITALS`."""
_UTF8 = "utf-8"


class Recaser:
    """Gives texts in capitals or title case the usual case."""

    def __init__(self, encode_words: Callable[[tf.Tensor], tf.RaggedTensor]):
        """Takes the function that cuts words, string [n], into ids of subwords [n, subwords]."""
        self._encode_words = encode_words

    def __call__(self, text: tf.Tensor) -> tf.Tensor:
        """Recases texts.

        Args:
          text: string [batch], normalised.

        Returns:
          string [batch]; other texts stay as they are.
        """
        words = split_words(text)
        in_capitals = is_in_capitals(text)
        in_title_case = _is_in_title_case(words)
        return tf.cond(
            tf.reduce_any(in_capitals | in_title_case),
            lambda: tf.where(in_capitals | in_title_case, self._recase(words, in_capitals), text),
            lambda: text,
        )

    def _recase(self, words: tf.RaggedTensor, in_capitals: tf.Tensor) -> tf.Tensor:
        """Returns the texts of words [batch, words], each in its most usual form.

        In title case, words with more capitals than the first letter stay, such as PDF and LaTeX.
        """
        written = words.flat_values
        lower, title = tf.strings.lower(written, _UTF8), _title(written)
        forms = tf.stack([lower, title, written])
        pieces = self._encode_words(tf.reshape(forms, [-1]))
        lateness = tf.reshape(tf.reduce_max(pieces, axis=1), tf.shape(forms))
        lateness *= [[1], [_RARITY_OF_CAPITALS], [_RARITY_OF_CAPITALS]]
        ranks = tf.reshape(pieces.row_lengths(), tf.shape(forms)) * _LATEST + lateness
        chosen = tf.gather(
            tf.transpose(forms), tf.argmin(ranks, axis=0, output_type=tf.int32), batch_dims=1
        )
        starts = tf.gather(words.row_starts(), words.value_rowids())
        is_first = tf.equal(tf.range(tf.size(written, tf.int64)), starts)
        chosen = tf.where(is_first & tf.equal(chosen, lower), title, chosen)
        is_capitalised = tf.strings.regex_full_match(written, _CAPITALISED)
        is_word = is_capitalised | (
            tf.strings.regex_full_match(written, _LETTERS)
            & tf.gather(in_capitals, words.value_rowids())
        )
        joined = tf.strings.reduce_join(
            words.with_flat_values(tf.where(is_word, chosen, written)), axis=-1
        )
        return tf.strings.strip(tf.strings.regex_replace(joined, WORD_START, " "))


def is_in_capitals(text: tf.Tensor) -> tf.Tensor:
    """Whether texts have capital letters and no small ones, bool of the same shape."""
    return tf.not_equal(tf.strings.lower(text, _UTF8), text) & tf.equal(
        tf.strings.upper(text, _UTF8), text
    )


def in_capitals(text: tf.Tensor, where: tf.Tensor) -> tf.Tensor:
    """Writes some texts in capitals.

    Args:
      text: string of any shape.
      where: bool, broadcast to this shape.
    """
    return tf.where(where, tf.strings.upper(text, _UTF8), text)


def _is_in_title_case(words: tf.RaggedTensor) -> tf.Tensor:
    """Whether some words are capitalised and no long word is small, bool [batch]."""

    def count(pattern: str) -> tf.Tensor:
        found = tf.strings.regex_full_match(words.flat_values, pattern)
        return tf.reduce_sum(words.with_flat_values(tf.cast(found, tf.int32)), axis=-1)

    enough = count(_CAPITALISED) >= _FEWEST_IN_TITLE_CASE
    return enough & tf.equal(count(_LONG_AND_SMALL), 0)


def _title(words: tf.Tensor) -> tf.Tensor:
    """Capitalises words, string [words] with the marker of their start."""
    marked = tf.where(tf.strings.regex_full_match(words, f"{WORD_START}.*"), 2, 1)
    start = tf.strings.substr(words, tf.zeros_like(marked), marked, unit="UTF8_CHAR")
    length = tf.strings.length(words, unit="UTF8_CHAR")
    left = tf.maximum(length - marked, 0)
    rest = tf.strings.substr(words, tf.minimum(marked, length), left, unit="UTF8_CHAR")
    return tf.strings.join([tf.strings.upper(start, _UTF8), tf.strings.lower(rest, _UTF8)])
