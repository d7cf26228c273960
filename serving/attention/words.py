"""Attention between the words of the given texts, separated as by `text.words.split_text`.

The word numbers of an alignment must fit the user's own file. A model reads another form of the
text: white space is normalised, control characters separate words, a long text is cut. So words are
not counted in the subwords. Instead, the visible characters of the subwords are matched with those
of the text, and each subword belongs to the word with its first character. Scripts without spaces
have subwords of several words; such a subword belongs to all of them.
"""

import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from serving.contract.signatures import END_SYMBOL
from serving.contract.translation import Translation, bytes_of_token
from text.characters import WORD_START, as_read, is_visible, visible_characters
from text.words import Unit, split_text

_NO_WORD = -1


@dataclass(frozen=True, eq=False)
class GivenWords:
    """The words of a text and of its translation, and the attention between them."""

    source_words: tuple[str, ...]
    target_words: tuple[str, ...]
    attention: np.ndarray
    """float32 [target words, source words]. A word after the point where the text was cut has a row
    or column of zeros."""
    on_end: np.ndarray
    """float32 [target words]: the weight of the source's end symbol. With it, a row sums to 1."""


def attention_of_words(
    source: str,
    translation: Translation,
    *,
    split_punctuation: bool = False,
    unit: Unit = "words",
) -> GivenWords:
    """Converts a translation's attention between subwords to attention between words.

    Columns are summed: a row is a distribution, and the probability of attending to a word is the
    sum over its subwords. A subword of several words has an equal share for each. Rows are
    averaged: a target word of several subwords is produced in as many steps, each with one
    distribution, and the mean of distributions is a distribution again (Koehn and Knowles, 2017,
    section 3.5).

    Args:
      source: the source text, exactly as given.
      translation: its translation; its `text` is the target side.
      split_punctuation: whether punctuation before and after a word becomes a separate word;
        punctuation within a word, as in T-Shirt or 3.5, stays.
      unit: whether scripts without spaces are divided into words or into characters.

    Returns:
      The words, and the attention between them.
    """
    sources = _Words(source, split_punctuation, unit)
    targets = _Words(translation.text, split_punctuation, unit)
    columns = sources.of_tokens(translation.source_tokens)
    rows = targets.of_tokens(translation.target_tokens)
    by_word = _sum_of_columns(translation.attention, columns, len(sources.words))
    attention = _mean_of_rows(by_word, rows, len(targets.words))
    ends = np.array([token == END_SYMBOL for token in translation.source_tokens], np.float32)
    on_end = _mean_of_rows(translation.attention @ ends, rows, len(targets.words))
    return GivenWords(tuple(sources.words), tuple(targets.words), attention, on_end)


def words_of_tokens(text: str, tokens: Sequence[str]) -> list[list[int]]:
    """Returns the numbers of the words of each subword, of words split from their punctuation."""
    return _Words(text, True, "words").of_tokens(tokens)


def words_without_punctuation(text: str) -> list[str]:
    """Returns the words of a text, without the punctuation before and after them."""
    return [word for word in _Words(text, True, "words").words if not is_punctuation(word)]


def is_punctuation(word: str) -> bool:
    """Whether a word has neither letters nor digits."""
    return not any(_is_letter_or_digit(character) for character in word)


class _Words:
    """The words of one text and their visible characters."""

    def __init__(self, text: str, split_punctuation: bool, unit: Unit):
        self.words: list[str] = []
        self._characters: list[str] = []
        self._word_of_character: list[int] = []
        self._first_parts: list[int] = []
        """The first part after each space, if visible."""
        self._starts: set[int] = set()
        """The first character of each word, not of its parts."""
        for spaced in text.split():
            if visible_characters(spaced):
                self._first_parts.append(len(self.words))
            for word in split_text(spaced, unit):
                self._starts.add(len(self._characters))
                for part in _parts(word) if split_punctuation else [word]:
                    visible = visible_characters(part)
                    self._characters += visible
                    self._word_of_character += [len(self.words)] * len(visible)
                    self.words.append(part)

    def of_tokens(self, tokens: Sequence[str]) -> list[list[int]]:
        """Finds the words of each token; none for the end symbol, and for all without any word."""
        spelled = _Spelled(tokens)
        if not self._characters or not spelled.characters:
            return [[] for _ in tokens]
        words = self._of_characters(spelled)

        def of_token(position: int) -> list[int]:
            # A space at the end belongs to the word before it.
            first = min(spelled.first[position], len(words) - 1)
            more = range(first + 1, spelled.last.get(position, first) + 1)
            return [words[first], *(words[place] for place in more if place in self._starts)]

        return [
            [] if _is_end(tokens, position) else of_token(position)
            for position in range(len(tokens))
        ]

    def _of_characters(self, spelled: "_Spelled") -> list[int]:
        """Finds the word of each character spelled by tokens."""
        # If a text was cut within a character, its last bytes are not a character.
        whole = len("".join(spelled.characters).rstrip("\ufffd"))
        # A text in capitals is read in the usual case (`trainer.recasing`).
        if _small(self._characters[:whole]) == _small(spelled.characters[:whole]):
            last = min(whole, len(self._characters) - 1)
            places = (min(place, last) for place in range(len(spelled.characters)))
            return [self._word_of_character[place] for place in places]
        # A beam search may produce bytes with invalid UTF-8, and another model may compose accents.
        # Then the characters differ, and the words are matched by counting.
        last = len(self._first_parts) - 1
        return [self._first_parts[min(word, last)] for word in spelled.words]


class _Spelled:
    """The visible characters spelled by tokens, and the first of them in each token."""

    def __init__(self, tokens: Sequence[str]):
        self.characters: list[str] = []
        self.words: list[int] = []
        """The word number of each character, counted by spaces."""
        self.first: dict[int, int] = {}
        """The first character by token. For a token without characters it is the next one, maybe
        after the last."""
        self.last: dict[int, int] = {}
        """The last character by token, of tokens with characters."""
        token_of_byte: list[int] = []
        spelled = bytearray()
        for position, token in enumerate(tokens):
            content = b"" if _is_end(tokens, position) else bytes_of_token(token)
            spelled += content
            token_of_byte += [position] * len(content)
        word, owners, is_after_space = _NO_WORD, iter(token_of_byte), True
        for character in spelled.decode("utf-8", errors="surrogateescape"):
            is_broken = unicodedata.category(character) == "Cs"  # a single byte of invalid UTF-8
            size = 1 if is_broken else len(character.encode("utf-8"))
            spellers = list(itertools.islice(owners, size))
            for speller in spellers:
                self.first.setdefault(speller, len(self.characters))
            if character == WORD_START or not is_visible(character):
                is_after_space = True
                continue
            word += is_after_space
            is_after_space = False
            self.last |= dict.fromkeys(spellers, len(self.characters))
            self.characters.append(as_read(character))
            self.words.append(word)


def _small(characters: Sequence[str]) -> list[str]:
    return [character.lower() for character in characters]


def _is_end(tokens: Sequence[str], position: int) -> bool:
    return position == len(tokens) - 1 and tokens[position] == END_SYMBOL


def _is_letter_or_digit(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def _parts(word: str) -> list[str]:
    """Splits a word before its first and after its last letter or digit."""
    visible = "".join(filter(is_visible, word))
    places = [place for place, character in enumerate(visible) if _is_letter_or_digit(character)]
    if not places:
        return [visible] if visible else []
    start, end = places[0], places[-1] + 1
    return [part for part in (visible[:start], visible[start:end], visible[end:]) if part]


def _members(words: Sequence[Sequence[int]], number: int) -> np.ndarray:
    """Returns 1 for each word of each token, else 0: float32 [tokens, number]."""
    members = np.zeros([len(words), number], np.float32)
    for token, of_token in enumerate(words):
        members[token, of_token] = 1
    return members


def _sum_of_columns(weights: np.ndarray, words: Sequence[Sequence[int]], number: int) -> np.ndarray:
    """Sums the columns of each word: [rows, tokens] -> [rows, number]."""
    members = _members(words, number)
    return weights @ (members / np.maximum(members.sum(axis=1, keepdims=True), 1))


def _mean_of_rows(weights: np.ndarray, words: Sequence[Sequence[int]], number: int) -> np.ndarray:
    """Averages the rows of each word, 0 for a word without any: [tokens, ...] -> [number, ...]."""
    members = _members(words, number).T
    sizes = np.maximum(members.sum(axis=1), 1)
    return ((members @ weights).T / sizes).T
