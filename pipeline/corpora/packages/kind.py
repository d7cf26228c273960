"""The two kinds of files with translated text, and the names that languages have in their paths."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from text.languages import parse_language
from text.sentences import Pair

ENGLISH = frozenset({"c", "en", "en-us", "en_us"})
"""The names of folders with the original text, in lower case."""


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
    """Returns the names of a language in paths, in lower case: `de`, `de_de` and `de-de` for `de`.

    Args:
        language: a code such as `de`, `pt_BR` or `zh_CN`.
    """
    tag = parse_language(language).tag.lower()
    tags = {tag, language.lower()}
    if "-" not in tag:
        tags.add(f"{tag}-{tag}")
    return frozenset(name for tag in tags for name in (tag, tag.replace("-", "_")))
