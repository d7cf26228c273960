"""Measures what is usual in a corpus; filters compare each pair with it."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import islice

from text.sentences import Pair, usual_ratio

_LEAST_SHARE = 0.1
"""Share of the texts of a side that a usual script is the main one of."""
_COMMON_WORDS = 200
_FEWEST_TIMES = 5
_TIMES_MORE = 3
"""How much more frequent a common word of one side is there than on the other side, at least."""
_WORD = re.compile(r"[^\W\d_]+")
_ONE_SCRIPT = dict.fromkeys(("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO"), "CJK")


@dataclass(frozen=True)
class CorpusProfile:
    """What is usual in a corpus.

    Attributes:
        languages: the codes of source and target; empty if they are not known.
        length_ratio: the usual length of a target divided by that of its source, in characters.
        scripts: the usual scripts of the source, and of the target; empty if they are not known.
        common_words: the most frequent words of the source that are rare in the target, and those
            of the target, in lower case.
    """

    languages: tuple[str, str] = ("", "")
    length_ratio: float = 1.0
    scripts: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    common_words: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())


UNKNOWN_PROFILE = CorpusProfile()
"""The profile of a corpus that was not measured."""


def measure_profile(pairs: Iterable[Pair], languages: tuple[str, str] = ("", "")) -> CorpusProfile:
    """Measures the profile of a corpus by a sample of its pairs."""
    sample = list(pairs)
    sides = [source for source, _ in sample], [target for _, target in sample]
    source_words, target_words = (
        Counter(word for text in texts for word in words_of(text)) for texts in sides
    )
    return CorpusProfile(
        languages,
        usual_ratio(sample),
        (_usual_scripts(sides[0]), _usual_scripts(sides[1])),
        (_common_words(source_words, target_words), _common_words(target_words, source_words)),
    )


def words_of(text: str) -> list[str]:
    """Returns the runs of letters of a text, in lower case."""
    return _WORD.findall(text.lower())


def scripts_of(text: str) -> Counter[str]:
    """Counts the letters of a text by script.

    Scripts are the first words of letters' names in Unicode, such as `LATIN` and `CYRILLIC`. Those
    of Chinese and Japanese are one: `CJK`.
    """
    if text.isascii():
        return (
            Counter({"LATIN": letters}) if (letters := sum(map(str.isalpha, text))) else Counter()
        )
    found: Counter[str] = Counter()
    for character, times in Counter(text).items():  # a text has few different letters
        if character.isalpha():
            found[_script(character)] += times
    return found


@cache
def _script(letter: str) -> str:
    script = unicodedata.name(letter, "unknown").partition(" ")[0]
    return _ONE_SCRIPT.get(script, script)


def _common_words(ours: Counter[str], theirs: Counter[str]) -> frozenset[str]:
    times = _TIMES_MORE * ours.total() / max(theirs.total(), 1)
    candidates = (
        word
        for word, count in ours.most_common()
        if count >= _FEWEST_TIMES and count > times * theirs[word]
    )
    return frozenset(islice(candidates, _COMMON_WORDS))


def _usual_scripts(texts: Iterable[str]) -> frozenset[str]:
    main = Counter(found.most_common(1)[0][0] for text in texts if (found := scripts_of(text)))
    least = _LEAST_SHARE * main.total()
    return frozenset(script for script, count in main.items() if count >= least)
