"""Cuts words of training pairs into smaller subwords at random, so a model learns their parts.

The encoder takes the longest piece of the vocabulary at each place (`trainer.subwords`). Here each
piece of more than one character is refused with some probability, and the next shorter one is
tried: MaxMatch-Dropout (Hiraoka, 2022), which is to the longest match what BPE-dropout (Provilkov
et al., 2020) is to merges. The text stays the same.
"""

from collections.abc import Sequence

import numpy as np

from text.characters import WORD_START
from trainer.batching import Sides
from trainer.subwords import MASK_IDS, RESERVED, has_masks


class SubwordDropout:
    """Cuts both sides of pairs anew."""

    def __init__(self, vocabulary: Sequence[str], share: float):
        """Prepares for a vocabulary.

        Args:
          vocabulary: subwords, with or without masks.
          share: probability of refusing a piece, 0 to 1.
        """
        self._share = share
        self._pieces = vocabulary
        # Masks and the bytes of rare characters are never cut.
        first = MASK_IDS.stop if has_masks(vocabulary) else RESERVED
        self._ids = {piece: first + place for place, piece in enumerate(vocabulary[first:])}
        self._longest = max(map(len, self._ids), default=1)
        is_piece = np.arange(len(vocabulary)) >= first
        self._may_be_refused = is_piece & np.array([len(piece) > 1 for piece in vocabulary])
        self._starts_word = ~is_piece | np.array(
            [piece.startswith(WORD_START) for piece in vocabulary]
        )

    def __call__(self, pairs: Sequence[Sides], rng: np.random.Generator) -> list[Sides]:
        """Returns the pairs with some words in more and shorter pieces."""
        return [
            (self._cut_again(source, rng), self._cut_again(target, rng)) for source, target in pairs
        ]

    def _cut_again(self, ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        refused = np.flatnonzero((rng.random(len(ids)) < self._share) & self._may_be_refused[ids])
        if not len(refused):
            return ids
        ends = np.append(np.flatnonzero(self._starts_word[ids]), len(ids))
        done, cut = 0, list[np.ndarray]()
        for place in refused.tolist():
            if place < done:  # in a word that is already cut
                continue
            end = int(ends[np.searchsorted(ends, place, side="right")])
            rest = "".join(self._pieces[piece] for piece in ids[place:end].tolist())
            pieces = self._cut(rest, len(self._pieces[ids[place]]) - 1, rng)
            cut += [ids[done:place], np.array(pieces, np.int32)]
            done = end
        return np.concatenate([*cut, ids[done:]])

    def _cut(self, text: str, longest: int, rng: np.random.Generator) -> list[int]:
        """Cuts the rest of a word, first into a piece of at most `longest` characters."""
        pieces, place = list[int](), 0
        while place < len(text):
            # Each character of a piece is a piece, too, and is never refused.
            for size in range(min(longest, len(text) - place), 0, -1):
                piece = self._ids.get(text[place : place + size])
                if piece is not None and (size == 1 or rng.random() >= self._share):
                    pieces.append(piece)
                    break
            place, longest = place + size, self._longest
        return pieces
