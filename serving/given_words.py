"""Attention between the words of the texts themselves, counted as `text.split()` counts them.

An alignment is worth nothing if its numbers do not fit the user's own file. A model sees that text
differently: its white space is normalised, control characters part words, a long text is cut. So
words are not counted in the subwords: the visible characters of the subwords are laid beside those
of the text, and each subword belongs to the word of the text in which its first character stands.
"""

import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from serving.signatures import END_SYMBOL, WORD_START
from serving.translation import Translation, bytes_of_token

_NO_WORD = -1


@dataclass(frozen=True, eq=False)
class GivenWords:
    """The words of a text and its translation, and where each target word looked."""

    source_words: tuple[str, ...]
    target_words: tuple[str, ...]
    attention: np.ndarray
    """float32 [target words, source words]. A word that the model did not read, because the text
    was cut before it, has a row or column of zeros."""
    on_end: np.ndarray
    """float32 [target words]: what each put on the source's end symbol. A row and this sum to 1."""


def attention_of_words(
    source: str, translation: Translation, *, split_punctuation: bool = False
) -> GivenWords:
    """Sums and averages a translation's attention so that it is between the words of its texts.

    Columns are summed: a row is a distribution, and the probability of looking at a word is that of
    looking at any of its subwords. Rows are averaged: a target word of several subwords is produced
    in as many steps, each of which looked once, and the mean of distributions is one again
    (Koehn and Knowles, 2017, section 3.5).

    Args:
      source: the text that was translated, as it was given.
      translation: of it; its `text` is the target side.
      split_punctuation: whether a word's letters and digits, and the punctuation before, inside and
        after them, become words of their own.

    Returns:
      The words, and the attention between them.
    """
    sources = _Words(source, split_punctuation)
    targets = _Words(translation.text, split_punctuation)
    columns = sources.of_tokens(translation.source_tokens)
    rows = targets.of_tokens(translation.target_tokens)
    by_word = _sum_of_columns(translation.attention, columns, len(sources.words))
    attention = _mean_of_rows(by_word, rows, len(targets.words))
    ends = np.array([token == END_SYMBOL for token in translation.source_tokens], np.float32)
    on_end = _mean_of_rows(translation.attention @ ends, rows, len(targets.words))
    return GivenWords(tuple(sources.words), tuple(targets.words), attention, on_end)


def words_without_punctuation(text: str) -> list[str]:
    """Lists the runs of letters and digits of a text, as `split_punctuation` makes them."""
    return [word for word in _Words(text, split_punctuation=True).words if not is_punctuation(word)]


def is_punctuation(word: str) -> bool:
    """Whether a word has neither letters nor digits."""
    return not any(_is_letter_or_digit(character) for character in word)


class _Words:
    """The words of one text, and the visible characters of which they are made."""

    def __init__(self, text: str, split_punctuation: bool):
        self.words: list[str] = []
        self._characters: list[str] = []
        self._word_of_character: list[int] = []
        for word in text.split():
            for part in _parts(word) if split_punctuation else [word]:
                visible = [_as_read(character) for character in part if _is_visible(character)]
                self._characters += visible
                self._word_of_character += [len(self.words)] * len(visible)
                self.words.append(part)

    def of_tokens(self, tokens: Sequence[str]) -> list[int]:
        """Finds the word of each token; -1 for the end symbol, and for all if there is no word."""
        characters, places = _spell(tokens)
        if not self._characters or not characters:
            return [_NO_WORD] * len(tokens)
        places_here = self._beside(characters)
        last = len(characters) - 1
        return [
            _NO_WORD
            if token == END_SYMBOL and position == len(tokens) - 1
            # A space with nothing after it belongs to the word before it.
            else self._word_of_character[places_here[min(places[position], last)]]
            for position, token in enumerate(tokens)
        ]

    def _beside(self, spelled: list[str]) -> Sequence[int]:
        """Finds the character of this text for each one that the tokens spell."""
        if self._characters[: len(spelled)] == spelled:
            return range(len(spelled))
        # A search may string bytes together that are no text, and another normalisation may have
        # composed accents: the longest common runs hold the rest in its place.
        reach = 2 * len(spelled)
        matcher = SequenceMatcher(None, spelled, self._characters[:reach], autojunk=False)
        places = [_NO_WORD] * len(spelled)
        for start, start_here, size in matcher.get_matching_blocks():
            places[start : start + size] = range(start_here, start_here + size)
        return list(itertools.accumulate((max(place, 0) for place in places), max))


def _spell(tokens: Sequence[str]) -> tuple[list[str], list[int]]:
    """Spells tokens: the visible characters, and for each token which of them is its first.

    A token without one gets the next that comes, which may be beyond the last.
    """
    spelled = bytearray()
    token_of_byte: list[int] = []
    for position, token in enumerate(tokens):
        if not (token == END_SYMBOL and position == len(tokens) - 1):
            content = bytes_of_token(token)
            spelled += content
            token_of_byte += [position] * len(content)
    characters: list[str] = []
    first: dict[int, int] = {}
    owners = iter(token_of_byte)
    for character in spelled.decode("utf-8", errors="surrogateescape"):
        is_broken = unicodedata.category(character) == "Cs"  # a byte that is no UTF-8, by itself
        for _ in range(1 if is_broken else len(character.encode("utf-8"))):
            first.setdefault(next(owners), len(characters))
        if character != WORD_START and _is_visible(character):
            characters.append(_as_read(character))
    return characters, [first.get(position, len(characters)) for position in range(len(tokens))]


def _is_visible(character: str) -> bool:
    """Whether a model reads a character as anything but a space (`trainer/text.py`)."""
    category = unicodedata.category(character)
    return category != "Cc" and category[0] != "Z"


def _as_read(character: str) -> str:
    """The character that a model reads in the place of a visible one of a text."""
    if character == WORD_START:
        return "_"
    return "\ufffd" if unicodedata.category(character) == "Cs" else character


def _is_letter_or_digit(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def _parts(word: str) -> list[str]:
    """Cuts a word into runs of letters and digits and runs of everything else that is visible."""
    visible = filter(_is_visible, word)
    return ["".join(run) for _, run in itertools.groupby(visible, _is_letter_or_digit)]


def _sum_of_columns(weights: np.ndarray, groups: Sequence[int], number: int) -> np.ndarray:
    """Adds up the columns of each group: [rows, columns] -> [rows, number]."""
    members = np.equal.outer(np.asarray(groups, int), np.arange(number))
    return weights @ members.astype(np.float32)


def _mean_of_rows(weights: np.ndarray, groups: Sequence[int], number: int) -> np.ndarray:
    """Averages the rows of each group, 0 for a group of none: [rows, ...] -> [number, ...]."""
    members = np.equal.outer(np.arange(number), np.asarray(groups, int)).astype(np.float32)
    sizes = np.maximum(members.sum(axis=1), 1)
    return ((members @ weights).T / sizes).T
