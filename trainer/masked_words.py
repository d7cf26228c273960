"""Masks words of training pairs, so a model learns to copy the masks of protected parts.

Few training texts hold placeholders. But names and numbers are on both sides of many pairs, and
stand where a placeholder would.
"""

from collections.abc import Sequence

import numpy as np

from text.characters import WORD_START
from trainer.subwords import MASK_IDS

_MOST_WORDS = 3

Sides = tuple[np.ndarray, np.ndarray]
"""The ids of a source and of its target, int32, without end symbols."""
Places = dict[str, tuple[int, int]]
"""Words with the first of their ids and the one after their last."""


class WordMasker:
    """Replaces words common to both sides of a pair by masks."""

    def __init__(self, vocabulary: Sequence[str], share: float):
        """Prepares for a vocabulary.

        Args:
          vocabulary: subwords, with masks.
          share: share of the pairs to mask, 0 to 1.
        """
        self._vocabulary = vocabulary
        self._share = share
        self._space = [vocabulary.index(WORD_START)] if WORD_START in vocabulary else []

    def __call__(self, pairs: Sequence[Sides], rng: np.random.Generator) -> list[Sides]:
        """Masks up to three words in some pairs.

        A pair without a common word gets a mask at the start or at the end of both sides.
        """
        chosen = rng.random(len(pairs)) < self._share
        return [
            self._masked(pair, rng) if is_chosen else pair
            for pair, is_chosen in zip(pairs, chosen, strict=True)
        ]

    def _masked(self, pair: Sides, rng: np.random.Generator) -> Sides:
        source, target = (side.tolist() for side in pair)
        in_source, in_target = self._words(source), self._words(target)
        common = [word for word in in_source if word in in_target]
        some = np.sort(rng.permutation(len(common))[: rng.integers(1, _MOST_WORDS + 1)])
        masks = np.sort(rng.choice(MASK_IDS, max(1, len(some)), replace=False)).tolist()
        masked = dict(zip((common[index] for index in some), masks, strict=False))
        if masked:
            source = self._replaced(source, in_source, masked)
            target = self._replaced(target, in_target, masked)
        elif rng.random() < 0.5:
            source, target = ([*self._space, masks[0], *side] for side in (source, target))
        else:
            source, target = ([*side, *self._space, masks[0]] for side in (source, target))
        return np.array(source, np.int32), np.array(target, np.int32)

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

    def _replaced(self, ids: list[int], places: Places, masks: dict[str, int]) -> list[int]:
        """Returns a side with some of its words replaced by masks."""
        for (first, after), mask in sorted(
            ((places[word], mask) for word, mask in masks.items()), reverse=True
        ):
            space = self._space if self._starts_word(ids[first]) else []
            ids = [*ids[:first], *space, mask, *ids[after:]]
        return ids

    def _starts_word(self, piece: int) -> bool:
        return self._vocabulary[piece].startswith(WORD_START)

    def _has_letter(self, piece: int) -> bool:
        # The names of byte symbols have letters, too.
        return piece >= MASK_IDS.stop and any(map(str.isalnum, self._vocabulary[piece]))
