"""Unicode's normal form C with operations of TensorFlow's core.

The algorithm is that of the Unicode Standard, section 3.11: decompose, sort marks by their class,
compose. The tables come from Python's `unicodedata`, so both give the same. As in the Stream-Safe
Text Format (UAX #15), a letter is composed with at most 30 marks.
"""

import functools
import sys
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

_MOST_MARKS = 30
_NONE = -1
_SHIFT = 21
"""Bits of a code point."""
_LEADING, _VOWEL, _TRAILING, _SYLLABLE = 0x1100, 0x1161, 0x11A7, 0xAC00
"""The first letters of each kind and the first syllable of Hangul; composed by a formula."""
_LEADINGS, _VOWELS, _TRAILINGS = 19, 21, 28


class _Tables(NamedTuple):
    decomposed: np.ndarray  # code points with a decomposition, sorted
    parts: np.ndarray  # their full decompositions, [n, 4], padded with -1
    marks: np.ndarray  # code points of a class above 0, sorted
    classes: np.ndarray  # their classes
    pairs: np.ndarray  # first << 21 | second of each composition, sorted
    composites: np.ndarray  # the compositions
    seconds: np.ndarray  # starters composed with a starter before them, sorted
    unusual: str  # a regular expression that all texts match that may change


@functools.cache
def _tables() -> _Tables:
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    canonical = [
        character
        for character in characters
        if (found := unicodedata.decomposition(character)) and not found.startswith("<")
    ]
    parts = np.full([len(canonical), 4], _NONE, np.int32)
    compositions = {}
    for row, character in enumerate(canonical):
        whole = unicodedata.normalize("NFD", character)
        parts[row, : len(whole)] = list(map(ord, whole))
        pair = [int(code, 16) for code in unicodedata.decomposition(character).split()]
        if len(pair) == 2 and unicodedata.is_normalized("NFC", character):
            compositions[pair[0] << _SHIFT | pair[1]] = ord(character)
    marks = [ord(character) for character in characters if unicodedata.combining(character)]
    last = {pair & ((1 << _SHIFT) - 1) for pair in compositions}
    seconds = last - set(marks) | set(range(_VOWEL, _VOWEL + _VOWELS))
    seconds |= set(range(_TRAILING + 1, _TRAILING + _TRAILINGS))
    changed = {
        ord(each) for each in characters if not unicodedata.is_normalized("NFC", each)
    } | last
    return _Tables(
        decomposed=np.array(list(map(ord, canonical)), np.int32),
        parts=parts,
        marks=np.array(marks, np.int32),
        classes=np.array([unicodedata.combining(chr(code)) for code in marks], np.int32),
        pairs=np.array(sorted(compositions), np.int64),
        composites=np.array([compositions[pair] for pair in sorted(compositions)], np.int32),
        seconds=np.array(sorted(seconds), np.int32),
        unusual=rf"(?s).*(?:[{_ranges(changed | seconds)}]|[{_ranges(marks)}]{{2}}).*",
    )


def compose(text: tf.Tensor) -> tf.Tensor:
    """Returns normal form C.

    Args:
      text: string of any shape, valid UTF-8.

    Returns:
      string of the same shape.
    """
    # Almost no text is changed, and looking for the characters that may change takes no time.
    may_change = tf.reduce_any(tf.strings.regex_full_match(text, _tables().unusual))
    return tf.cond(
        may_change,
        lambda: tf.reshape(_compose(tf.reshape(text, [-1])), tf.shape(text)),
        lambda: text,
    )


def _compose(text: tf.Tensor) -> tf.Tensor:
    """Returns normal form C of texts, string [batch]."""
    codes, rows = _decompose(tf.strings.unicode_decode(text, "UTF-8"))
    classes = _look_up(_tables().marks, _tables().classes, codes, 0)
    starts = tf.concat([[True], tf.not_equal(rows[1:], rows[:-1])], axis=0)[: tf.size(rows)]
    is_starter = tf.equal(classes, 0)
    # Marks are sorted between two starters; those of one class keep their order.
    segment = tf.cumsum(tf.cast(is_starter | starts, tf.int64))
    order = tf.argsort(segment * 256 + tf.cast(classes, tf.int64), stable=True)
    codes, classes = tf.gather(codes, order), tf.gather(classes, order)
    joins = tf.not_equal(classes, 0) | _is_in(_tables().seconds, codes)
    codes = _join(codes, classes, starts | ~joins)
    is_left = tf.not_equal(codes, _NONE)
    composed = tf.RaggedTensor.from_value_rowids(
        tf.boolean_mask(codes, is_left),
        tf.boolean_mask(rows, is_left),
        nrows=tf.size(text, tf.int64),
    )
    return tf.strings.unicode_encode(composed, "UTF-8")


def _decompose(characters: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the code points of the full decompositions, and the row of each."""
    codes, rows = characters.flat_values, characters.value_rowids()
    alone = tf.pad(codes[:, None], [[0, 0], [0, 3]], constant_values=_NONE)
    place = _find(_tables().decomposed, codes)
    parts = tf.where(
        tf.equal(tf.gather(_tables().decomposed, place), codes)[:, None],
        tf.gather(_tables().parts, place),
        alone,
    )
    is_part = tf.not_equal(parts, _NONE)
    return (
        tf.boolean_mask(parts, is_part),
        tf.boolean_mask(tf.repeat(rows[:, None], 4, axis=1), is_part),
    )


def _join(codes: tf.Tensor, classes: tf.Tensor, begins: tf.Tensor) -> tf.Tensor:
    """Composes the code points of each group with those before them in the group.

    All groups take a step at the same time.

    Args:
      codes: int32 [n].
      classes: int32 [n].
      begins: bool [n], where a group begins.

    Returns:
      The code points; -1 for those that became part of another.
    """
    first = tf.cast(tf.where(begins)[:, 0], tf.int32)
    lengths = tf.concat([first[1:], [tf.size(codes)]], axis=0) - first
    first, lengths = (tf.boolean_mask(each, lengths > 1) for each in (first, lengths))
    steps = tf.minimum(tf.reduce_max(tf.concat([lengths, [0]], axis=0)), _MOST_MARKS + 1)

    def step(j: tf.Tensor, codes: tf.Tensor, starter: tf.Tensor, before: tf.Tensor) -> tuple:
        is_inside = lengths > j
        place = tf.where(is_inside, first + j, first)
        code, of_class = tf.gather(codes, place), tf.gather(classes, place)
        composite = _composite(tf.gather(codes, starter), code)
        # Another mark of the same class between both, or of a higher one, stands in the way.
        is_free = (before < of_class) | tf.equal(before, 0)
        is_composed = is_inside & is_free & tf.not_equal(composite, _NONE)
        where = tf.where(is_composed)
        places = tf.concat([tf.gather_nd(starter, where), tf.gather_nd(place, where)], axis=0)
        values = tf.concat(
            [tf.gather_nd(composite, where), tf.fill([tf.shape(where)[0]], _NONE)], axis=0
        )
        codes = tf.tensor_scatter_nd_update(codes, places[:, None], values)
        stays = is_inside & ~is_composed
        return (
            j + 1,
            codes,
            tf.where(stays & tf.equal(of_class, 0), place, starter),
            tf.where(stays, of_class, before),
        )

    _, codes, _, _ = tf.while_loop(
        lambda j, *_: j < steps,
        step,
        (1, codes, first, tf.gather(classes, first)),
        parallel_iterations=1,
    )
    return codes


def _composite(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Returns the composition of two code points, or -1."""
    pairs = tf.bitwise.left_shift(tf.cast(first, tf.int64), _SHIFT) + tf.cast(second, tf.int64)
    found = _look_up(_tables().pairs, _tables().composites, pairs, _NONE)
    leading, vowel = first - _LEADING, second - _VOWEL
    is_pair = (leading >= 0) & (leading < _LEADINGS) & (vowel >= 0) & (vowel < _VOWELS)
    found = tf.where(is_pair, _SYLLABLE + (leading * _VOWELS + vowel) * _TRAILINGS, found)
    syllable, trailing = first - _SYLLABLE, second - _TRAILING
    is_open = (syllable >= 0) & (syllable < _LEADINGS * _VOWELS * _TRAILINGS)
    is_open &= tf.equal(syllable % _TRAILINGS, 0) & (trailing > 0) & (trailing < _TRAILINGS)
    return tf.where(is_open, first + trailing, found)


def _find(keys: np.ndarray, values: tf.Tensor) -> tf.Tensor:
    """Returns the place of each value among sorted keys, or of another key."""
    return tf.minimum(tf.searchsorted(keys, values), len(keys) - 1)


def _is_in(keys: np.ndarray, values: tf.Tensor) -> tf.Tensor:
    return tf.equal(tf.gather(keys, _find(keys, values)), values)


def _look_up(keys: np.ndarray, results: np.ndarray, values: tf.Tensor, default: int) -> tf.Tensor:
    """Returns the result of each value among sorted keys, or the default."""
    found = tf.gather(results, _find(keys, values))
    return tf.where(_is_in(keys, values), found, default)


def _ranges(codes: Iterable[int]) -> str:
    """Writes code points as the inside of a class of a regular expression."""
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\x{{{low:x}}}-\\x{{{high:x}}}" for low, high in ranges)
