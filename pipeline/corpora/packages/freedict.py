"""FreeDict's dictionaries from English, in the text of the dictionary server dictd(8).

An entry is a line with the word, its pronunciation and its class, as in `house /haʊs/ <n>`. Then
there are translations, numbered if there are several senses, and explanations in English.
https://freedict.org/
"""

import gzip
import re
import zlib
from collections.abc import Iterator

from pipeline.corpora.packages.kind import BilingualKind
from text.sentences import Pair

_FILE = "usr/share/dictd/freedict-eng-{}.dict.dz"
_WORD = re.compile(r"(?P<word>[^/<\t]+?) (?:/+[^/]+/+ ?)+(?:<[^<>]*>)*")
_SENSE = re.compile(r"\d+\. (?P<translations>.+)")
_NOTES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>")
_BETWEEN_SYNONYMS = re.compile("[,;、] ?")


def _is_dictionary(path: str, names: frozenset[str]) -> bool:
    return path in map(_FILE.format, names)


def read_dictionary(content: bytes) -> Iterator[Pair]:
    """Yields English words and phrases with each of their translations.

    Args:
        content: the dictionary, in the compression of dictzip(1), which is gzip's.

    Raises:
        ValueError: it is damaged, or not UTF-8.
    """
    try:
        text = gzip.decompress(content).decode("utf-8")
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError("damaged") from error
    word = ""
    has_senses = False
    for line in text.split("\n"):
        entry, sense = _WORD.fullmatch(line), _SENSE.fullmatch(line)
        if entry:
            word, has_senses = entry["word"], False
        elif word and sense:
            has_senses = True
            yield from _pairs(word, sense["translations"])
        elif word and not has_senses:
            yield from _pairs(word, line)
            word = ""


def _pairs(word: str, translations: str) -> Iterator[Pair]:
    for text in _BETWEEN_SYNONYMS.split(_NOTES.sub("", translations)):
        if text.strip():
            yield word, " ".join(text.split())


KIND = BilingualKind(_is_dictionary, read_dictionary)
