"""DocBook, the markup of KDE's and GNOME's older manuals: https://docbook.org/."""

from pipeline.corpora.packages.documents import (
    join_by_order,
    place_in_folders,
    read_blocks,
    read_text,
)
from pipeline.corpora.packages.kind import Block, ParallelKind, Place

_BLOCKS = {
    "caption", "entry", "member", "para", "phrase", "refpurpose", "simpara", "subtitle", "term",
    "title", "titleabbrev",
}  # fmt: skip
_SKIPPED = {
    "address", "author", "authorgroup", "cmdsynopsis", "copyright", "date", "editor", "indexterm",
    "keywordset", "legalnotice", "literallayout", "mediaobject", "othercredit", "programlisting",
    "pubdate", "releaseinfo", "revhistory", "screen", "synopsis",
}  # fmt: skip
_MENU, _KEYS = " ▸ ", "+"
_JOINED = {
    "guimenu": _MENU, "guisubmenu": _MENU, "guimenuitem": _MENU, "keycap": _KEYS,
}  # fmt: skip


def _place(path: str, names: frozenset[str]) -> Place | None:
    return place_in_folders(path, names, ("help", "html"), (".docbook",))


def read_manual(content: bytes) -> list[Block]:
    """Returns the paragraphs, titles and terms; the names of the elements are their labels.

    Args:
        content: a document, or a part of one.

    Raises:
        ValueError: it is malformed, or not UTF-8.
    """
    return read_blocks(read_text(content), _BLOCKS, _SKIPPED, joined=_JOINED)


KIND = ParallelKind(_place, read_manual, join_by_order)
