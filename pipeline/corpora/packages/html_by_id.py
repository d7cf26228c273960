"""HTML whose paragraphs have ids that all languages share, as in the help of LibreOffice."""

from pipeline.corpora.packages.documents import (
    join_by_label,
    place_in_folders,
    read_blocks,
    read_text,
)
from pipeline.corpora.packages.kind import Block, ParallelKind, Place

_BLOCKS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "dt", "dd", "td", "th", "caption"}
_SKIPPED = {"script", "style", "pre", "head", "nav"}
_SKIPPED_CLASSES = ("MAC", "IMPRESS")
"""Variants of a word, for one system or program, before the usual one."""


def _place(path: str, names: frozenset[str]) -> Place | None:
    return place_in_folders(path, names, ("help",), (".html", ".htm", ".xhtml"))


def read_html(content: bytes) -> list[Block]:
    """Returns the paragraphs and headings with ids; the ids are their labels.

    Args:
        content: a page.

    Raises:
        ValueError: it is malformed, or not UTF-8.
    """
    text = read_text(content)
    return read_blocks(text, _BLOCKS, _SKIPPED, by_id=True, skipped_classes=_SKIPPED_CLASSES)


KIND = ParallelKind(_place, read_html, join_by_label)
