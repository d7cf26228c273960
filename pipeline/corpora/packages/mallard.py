"""Mallard, the markup of GNOME's help: http://projectmallard.org/1.0/."""

from pipeline.corpora.packages.documents import (
    join_by_order,
    place_in_folders,
    read_blocks,
    read_text,
)
from pipeline.corpora.packages.kind import Block, ParallelKind, Place

_BLOCKS = {"p", "title", "subtitle", "desc", "cite"}
_SKIPPED = {"screen", "code", "credit", "license", "revision", "keywords", "media", "years"}
_JOINED = {"gui": " ▸ ", "key": "+"}


def _place(path: str, names: frozenset[str]) -> Place | None:
    return place_in_folders(path, names, ("help",), (".page",))


def read_page(content: bytes) -> list[Block]:
    """Returns the paragraphs and titles of a page; the names of the elements are their labels.

    Args:
        content: a page.

    Raises:
        ValueError: it is malformed, or not UTF-8.
    """
    return read_blocks(read_text(content), _BLOCKS, _SKIPPED, joined=_JOINED)


KIND = ParallelKind(_place, read_page, join_by_order)
