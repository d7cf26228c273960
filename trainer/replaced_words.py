"""Replaces words of training pairs, so a model learns to copy what it cannot translate.

Few training texts hold placeholders or other scripts. But names and numbers are on both sides of
many pairs. In their place, a pair gets the masks of protected parts (`trainer.masks`), or
characters that the vocabulary lacks, spelled as bytes.
"""

from collections.abc import Sequence

import numpy as np

from text.characters import WORD_START
from trainer.batching import Sides
from trainer.subwords import FIRST_BYTE, MASK_IDS

_MOST_WORDS = 3
_SHARE_OF_CHARACTERS = 0.25
_MOST_CHARACTERS = 3
_SCRIPTS = (
    (0x100, 0x17F),  # Latin
    (0x3B1, 0x3C9),  # Greek
    (0x410, 0x44F),  # Cyrillic
    (0x5D0, 0x5EA),  # Hebrew
    (0x627, 0x63A),  # Arabic
    (0x905, 0x939),  # Devanagari
    (0xE01, 0xE2E),  # Thai
    (0x20A0, 0x20BF),  # currencies
    (0x2190, 0x21FF),  # arrows
    (0x30A1, 0x30FA),  # Katakana
    (0x4E00, 0x9FA5),  # Han
    (0xAC00, 0xD7A3),  # Hangul
    (0x1F300, 0x1F64F),  # pictures
)
"""First and last characters."""

Places = dict[str, tuple[int, int]]
"""Words with the first of their ids and the one after their last."""


class WordReplacer:
    """Replaces words common to both sides of a pair."""

    def __init__(self, vocabulary: Sequence[str], share: float):
        """Prepares for a vocabulary.

        Args:
          vocabulary: subwords, with masks.
          share: share of the pairs to change, 0 to 1.
        """
        self._vocabulary = vocabulary
        known = {piece.removeprefix(WORD_START) for piece in vocabulary}
        scripts = ([chr(code) for code in range(low, high + 1)] for low, high in _SCRIPTS)
        unknown = ([each for each in script if each not in known] for script in scripts)
        self._scripts = [script for script in unknown if script]
        self._share = share
        self._space = [vocabulary.index(WORD_START)] if WORD_START in vocabulary else []

    def __call__(self, pairs: Sequence[Sides], rng: np.random.Generator) -> list[Sides]:
        """Replaces up to three words in some pairs.

        A pair without a common word gets a new word at the start or at the end of both sides.
        """
        chosen = rng.random(len(pairs)) < self._share
        return [
            self._changed(pair, rng) if is_chosen else pair
            for pair, is_chosen in zip(pairs, chosen, strict=True)
        ]

    def _changed(self, pair: Sides, rng: np.random.Generator) -> Sides:
        source, target = (side.tolist() for side in pair)
        in_source, in_target = self._words(source), self._words(target)
        common = [word for word in in_source if word in in_target]
        some = np.sort(rng.permutation(len(common))[: rng.integers(1, _MOST_WORDS + 1)])
        new = self._new_words(max(1, len(some)), rng)
        words = dict(zip((common[index] for index in some), new, strict=False))
        if words:
            source = self._replaced(source, in_source, words)
            target = self._replaced(target, in_target, words)
        elif rng.random() < 0.5:
            source, target = ([*self._space, *new[0], *side] for side in (source, target))
        else:
            source, target = ([*side, *self._space, *new[0]] for side in (source, target))
        return np.array(source, np.int32), np.array(target, np.int32)

    def _new_words(self, number: int, rng: np.random.Generator) -> list[list[int]]:
        """Returns different masks in their order, and among them characters as bytes."""
        words = [[mask] for mask in np.sort(rng.choice(MASK_IDS, number, replace=False)).tolist()]
        for index in np.flatnonzero(rng.random(number) < _SHARE_OF_CHARACTERS):
            script = self._scripts[rng.integers(len(self._scripts))]
            places = rng.integers(len(script), size=rng.integers(1, _MOST_CHARACTERS + 1))
            word = "".join(script[place] for place in places)
            words[index] = [FIRST_BYTE + byte for byte in word.encode()]
        return words

    def _words(self, ids: list[int]) -> Places:
        """Finds the words of a side that occur once, without the punctuation around them."""
        starts = [i for i, piece in enumerate(ids) if self._starts_word(piece)]
        places: Places = {}
        repeated = set()
        for first, after in zip([0, *starts], [*starts, len(ids)], strict=True):
            spelled = [i for i in range(first, after) if self._has_letter(ids[i])]
            if not spelled:
                continue
            place = spelled[0], spelled[-1] + 1
            word = "".join(self._vocabulary[piece] for piece in ids[slice(*place)])
            word = word.removeprefix(WORD_START)
            repeated |= {word} & places.keys()
            places[word] = place
        return {word: place for word, place in places.items() if word not in repeated}

    def _replaced(self, ids: list[int], places: Places, words: dict[str, list[int]]) -> list[int]:
        """Returns a side with some of its words replaced."""
        for (first, after), new in sorted(
            ((places[word], new) for word, new in words.items()), reverse=True
        ):
            space = self._space if self._starts_word(ids[first]) else []
            ids = [*ids[:first], *space, *new, *ids[after:]]
        return ids

    def _starts_word(self, piece: int) -> bool:
        return self._vocabulary[piece].startswith(WORD_START)

    def _has_letter(self, piece: int) -> bool:
        # The names of byte symbols have letters, too.
        return piece >= MASK_IDS.stop and any(map(str.isalnum, self._vocabulary[piece]))
