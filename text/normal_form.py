"""Text before it becomes subwords: normalisation and the cut into words, as TensorFlow string
operations.

The same functions run in Transform, in training and inside the exported model, so what is learned
is what is served. Only operations of TensorFlow's core are used: stock TensorFlow Serving runs
them.
"""

import tensorflow as tf

from text.characters import WORD_START

_SEPARATOR = "\x1f"  # a control character: normalised text never holds one
_WHITESPACE = r"[\p{Z}\p{Cc}]+"
_WORD = (
    rf"{WORD_START}?[\p{{L}}\p{{M}}]+"  # letters
    rf"|{WORD_START}?\p{{N}}"  # each digit by itself, so that numbers can be copied
    rf"|{WORD_START}?[^{WORD_START}\p{{L}}\p{{M}}\p{{N}}]+"  # punctuation and symbols
    rf"|{WORD_START}"
)


def normalise(text: tf.Tensor) -> tf.Tensor:
    """Gives every text one spelling.

    Invalid UTF-8 becomes U+FFFD, every run of white space and control characters one space, none at
    the ends. The marker of a word's start (U+2581), should a text hold one, becomes an underscore.

    Args:
      text: string of any shape, UTF-8 or not.

    Returns:
      string of the same shape, valid UTF-8. `normalise(normalise(x)) == normalise(x)`.
    """
    text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")
    text = tf.strings.regex_replace(text, WORD_START, "_")
    return tf.strings.strip(tf.strings.regex_replace(text, _WHITESPACE, " "))


def split_words(text: tf.Tensor) -> tf.RaggedTensor:
    """Cuts texts into the words that subwords never cross: runs of letters, single digits, runs of
    punctuation.

    Args:
      text: string [batch], normalised.

    Returns:
      Ragged string [batch, words]. Joined, with each `▁` read as a space, they give the text back
      after its first character, which is always `▁` (an empty text has no words).
    """
    marked = tf.strings.regex_replace(tf.strings.join([" ", text]), " ", WORD_START)
    marked = tf.where(tf.equal(text, ""), "", marked)
    separated = tf.strings.regex_replace(marked, f"({_WORD})", rf"\1{_SEPARATOR}")
    words = tf.strings.split(separated, _SEPARATOR)
    return tf.ragged.boolean_mask(words, tf.not_equal(words, ""))
