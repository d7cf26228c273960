"""The two kinds of files with translated text, and the names that languages have in their paths."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from text.languages import parse_language
from text.sentences import Pair

ENGLISH = frozenset({"c", "en", "en-us", "en_us"})
"""The names of folders with the original text, in lower case."""
_THREE_LETTERS = {
    "af": "afr", "ar": "ara", "bg": "bul", "cs": "ces", "cy": "cym", "da": "dan", "el": "ell",
    "es": "spa", "fi": "fin", "fr": "fra", "ga": "gle", "hi": "hin", "hr": "hrv", "hu": "hun",
    "id": "ind", "it": "ita", "ja": "jpn", "la": "lat", "lt": "lit", "nl": "nld", "pl": "pol",
    "pt": "por", "ru": "rus", "sr": "srp", "sv": "swe", "sw": "swh", "tr": "tur",
}  # fmt: skip
"""ISO 639-3 by ISO 639-1, of the languages with a dictionary from English in FreeDict. German is
left out, because FreeDict's is made of Ding, which is read."""


class Block(NamedTuple):
    """A paragraph, heading or item of a document, joined to one line."""

    label: str
    """The kind of block, or its id in the document."""
    text: str


class Place(NamedTuple):
    """The place of one document of two: its side, and the key that both have in common."""

    side: Literal["source", "target"]
    key: str


@dataclass(frozen=True)
class BilingualKind:
    """A kind of file with both languages in it.

    Attributes:
        is_file: whether a path in a package is such a file, for the names of a language.
        read: returns the pairs in the content of a file.
            It raises ValueError for content of another format.
    """

    is_file: Callable[[str, frozenset[str]], bool]
    read: Callable[[bytes], Iterable[Pair]]


@dataclass(frozen=True)
class ParallelKind:
    """A kind of file with one language in it, and its translation in another file.

    Attributes:
        place: returns the place of a path, or None if it is another file.
        read: returns the blocks of a document. It raises ValueError for another format.
        join: returns the corresponding blocks of two documents.
    """

    place: Callable[[str, frozenset[str]], Place | None]
    read: Callable[[bytes], list[Block]]
    join: Callable[[list[Block], list[Block]], list[Pair]]


Kind = BilingualKind | ParallelKind


def folder_names(language: str) -> frozenset[str]:
    """Returns the names of a language in paths, in lower case, such as `fr`, `fr_fr` and `fra`.

    Args:
        language: a code such as `de`, `pt_BR` or `zh_CN`.
    """
    tag = parse_language(language).tag.lower()
    tags = {tag, language.lower()}
    if "-" not in tag:
        tags.add(f"{tag}-{tag}")
    names = {name for tag in tags for name in (tag, tag.replace("-", "_"))}
    return frozenset({*names, three_letters(language)} - {""})


def three_letters(language: str) -> str:
    """Returns the code of three letters of a language, or "" if no dictionary needs it."""
    return _THREE_LETTERS.get(parse_language(language).base, "")
