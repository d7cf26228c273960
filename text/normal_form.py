"""Prepares text for subwords: normalises it and splits it into words, with TensorFlow operations.

The same functions run in Transform, in training and inside the exported model, so training and
serving agree. They use only operations of TensorFlow's core, so stock TensorFlow Serving can run
them.
"""

import tensorflow as tf

from text.characters import (
    INVISIBLE,
    JOINERS,
    WITHOUT_JOINERS,
    WORD_START,
)
from text.composition import compose

_SEPARATOR = "\x1f"  # a control character, never in normalised text
_INVISIBLE = f"[{INVISIBLE}]+"
_IDLE_JOINERS = f"(^|[{WITHOUT_JOINERS}])[{JOINERS}]+"
_WHITESPACE = r"[\p{Z}\p{Cc}]+"
_BREAKING_SPACE = r"[\p{Cc} \x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{205f}\x{3000}]+"
_WORD = (
    # Letters; within and after a word, joiners belong to its spelling.
    rf"{WORD_START}?[\p{{L}}\p{{M}}][\p{{L}}\p{{M}}{JOINERS}]*"
    rf"|{WORD_START}?\p{{N}}"  # each digit is a word, so numbers can be copied
    rf"|{WORD_START}?[^{WORD_START}\p{{L}}\p{{M}}\p{{N}}]+"  # punctuation and symbols
    rf"|{WORD_START}"
)


def normalise(text: tf.Tensor, *, keep_no_break: bool = False) -> tf.Tensor:
    """Normalises texts.

    Invalid UTF-8 becomes U+FFFD. Letters and their marks are composed (Unicode's normal form C),
    and format characters are left out, except joiners in scripts that need them. Every run of white
    space and control characters becomes one space, and is removed at the ends. The marker of a
    word's start (U+2581) becomes an underscore.

    Args:
      text: string of any shape, maybe with invalid UTF-8.
      keep_no_break: whether no-break spaces (U+00A0, U+202F) stay, as for a target, whose language
        may write them.

    Returns:
      string of the same shape, valid UTF-8. `normalise(normalise(x)) == normalise(x)`.
    """
    text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")
    text = tf.strings.regex_replace(text, WORD_START, "_")
    text = tf.strings.regex_replace(text, _INVISIBLE, "")
    text = compose(tf.strings.regex_replace(text, _IDLE_JOINERS, r"\1"))
    spaces = _BREAKING_SPACE if keep_no_break else _WHITESPACE
    return tf.strings.strip(tf.strings.regex_replace(text, spaces, " "))


def split_words(text: tf.Tensor) -> tf.RaggedTensor:
    """Splits texts into words: runs of letters and joiners, single digits, runs of punctuation.

    No subword crosses the boundary of a word.

    Args:
      text: string [batch], normalised.

    Returns:
      Ragged string [batch, words]. The joined words are the text again, if their first character,
      always `▁`, is removed and every other `▁` is replaced by a space. An empty text has no words.
    """
    marked = tf.strings.regex_replace(tf.strings.join([" ", text]), " ", WORD_START)
    marked = tf.where(tf.equal(text, ""), "", marked)
    separated = tf.strings.regex_replace(marked, f"({_WORD})", rf"\1{_SEPARATOR}")
    words = tf.strings.split(separated, _SEPARATOR)
    return tf.ragged.boolean_mask(words, tf.not_equal(words, ""))


def normalised_words(text: tf.Tensor, *, keep_no_break: bool = False) -> tf.RaggedTensor:
    """Returns the words of raw texts, as `normalise` and `split_words` do, in one call of a graph.

    Transform traces a preprocessing eight times, but what is called in it only once.
    """
    return _normalised_words(text, keep_no_break)


@tf.function(autograph=False)
def _normalised_words(text: tf.Tensor, keep_no_break: bool) -> tf.RaggedTensor:
    return split_words(normalise(text, keep_no_break=keep_no_break))
