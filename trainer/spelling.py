"""Keeps the search to whole characters where it writes byte symbols.

A character outside the vocabulary is written as its UTF-8 bytes. A state says which bytes may
follow, as in the syntax of RFC 3629, section 4. Spaces and control characters are not written so:
they are no symbols of the normal form.
"""

import numpy as np
import tensorflow as tf

from trainer.continuations import IMPOSSIBLE
from trainer.subwords import PAD, RESERVED, SPECIAL_SYMBOLS

_WHOLE = 0
"""The state between two characters."""
_LAST = (0x80, 0xBF)
_STATES: tuple[dict[tuple[int, int], int], ...] = (
    # Ranges of bytes and the state after each of them.
    {
        (0x21, 0x7E): _WHOLE,
        (0xC2, 0xC2): 4,
        (0xC3, 0xDF): 1,
        (0xE0, 0xE0): 5,
        (0xE1, 0xEC): 2,
        (0xED, 0xED): 6,
        (0xEE, 0xEF): 2,
        (0xF0, 0xF0): 7,
        (0xF1, 0xF3): 3,
        (0xF4, 0xF4): 8,
    },
    {_LAST: _WHOLE},
    {_LAST: 1},
    {_LAST: 2},
    {(0xA0, 0xBF): _WHOLE},  # not U+0080 to U+009F, control characters
    {(0xA0, 0xBF): 1},  # no character of two bytes
    {(0x80, 0x9F): 1},  # no surrogate
    {(0x90, 0xBF): 2},  # no character of three bytes
    {(0x80, 0x8F): 2},  # nothing above U+10FFFF
)


class Spelling:
    """The states of hypotheses, and the tokens allowed in each."""

    def __init__(self, vocabulary_size: int, forbidden: range = range(0)):
        """Makes the tables.

        Args:
          vocabulary_size: size of a vocabulary with the byte symbols in their places.
          forbidden: tokens allowed in no state.
        """
        allowed = np.zeros([len(_STATES), vocabulary_size], bool)
        following = np.full([len(_STATES), vocabulary_size], _WHOLE, np.int32)
        first = len(SPECIAL_SYMBOLS)
        allowed[_WHOLE, :first] = allowed[_WHOLE, RESERVED:] = True
        for state, ranges in enumerate(_STATES):
            for (low, high), then in ranges.items():
                tokens = slice(first + low, first + high + 1)
                allowed[state, tokens], following[state, tokens] = True, then
        allowed[:, forbidden.start : forbidden.stop] = False
        self._penalties = np.where(allowed, 0, IMPOSSIBLE).astype(np.float32)
        self._following = following

    def penalties(self, states: tf.Tensor) -> tf.Tensor:
        """Returns 0 for each allowed token and `IMPOSSIBLE` for others, float32 [..., vocabulary].

        Args:
          states: int32 [...].
        """
        return tf.gather(self._penalties, states)

    def penalties_of(self, tokens: tf.Tensor) -> tf.Tensor:
        """Returns the penalties of some tokens in each state, float32 [batch, states, count].

        Args:
          tokens: int32 [batch, count], padded with 0; padding is not allowed.
        """
        by_token = np.ascontiguousarray(self._penalties.T)
        by_token[PAD] = IMPOSSIBLE
        return tf.transpose(tf.gather(by_token, tokens), [0, 2, 1])

    def after(self, states: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
        """Returns the states after a token each, int32 of the same shape."""
        return tf.gather_nd(self._following, tf.stack([states, tokens], axis=-1))
