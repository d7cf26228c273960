"""What the kinds of documents have in common: their places, markup, and corresponding blocks."""

import bz2
import gzip
import re
import zlib
from collections.abc import Collection, Mapping
from difflib import SequenceMatcher
from html.parser import HTMLParser

from pipeline.corpora.packages.kind import ENGLISH, Block, Place
from text.sentences import Pair

_ANCHOR = re.compile(r"(?<!\S)--?[A-Za-z][\w-]*|[^\W\d_]*[\d_]\w*")
"""Options, and words with digits or underscores: a translation has them, too."""
_UNKNOWN_ENTITY = re.compile(
    r"&(?!(?:amp|lt|gt|quot|apos|nbsp|ndash|mdash|hellip);)([A-Za-z][\w.-]*);"
)
_MOST_BLOCKS = 5_000
"""difflib needs time by the square of the number."""


def place_in_folders(
    path: str, names: frozenset[str], parents: Collection[str], endings: tuple[str, ...]
) -> Place | None:
    """Returns the place of a document in the folder of its language, as in `help/de/less.page`.

    Args:
        path: a path in a package.
        names: the names of the target language.
        parents: names of the folder that holds those of the languages, in lower case.
        endings: endings of such documents.
    """
    if not path.endswith(endings):
        return None
    parts = path.split("/")
    for index in range(1, len(parts) - 1):
        if parts[index - 1].lower() not in parents:
            continue
        folder = parts[index].lower()
        key = "/".join([*parts[:index], "*", *parts[index + 1 :]])
        if folder in ENGLISH:
            return Place("source", key)
        if folder in names:
            return Place("target", key)
    return None


def read_text(content: bytes) -> str:
    """Decompresses and decodes a document.

    Raises:
        ValueError: it is damaged, or not UTF-8.
    """
    try:
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        elif content.startswith(b"BZh"):
            content = bz2.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError("damaged") from error
    return content.decode("utf-8")


def join_by_order(ours: list[Block], theirs: list[Block]) -> list[Pair]:
    """Returns the corresponding blocks of a document and its translation, by their order.

    If the documents have other blocks, because one is older, only runs of blocks are taken that
    agree in labels, options and numbers.
    """
    if [block.label for block in ours] == [block.label for block in theirs]:
        return [(a.text, b.text) for a, b in zip(ours, theirs, strict=True)]
    if max(len(ours), len(theirs)) > _MOST_BLOCKS:
        return []
    marks = [
        [(block.label, *_ANCHOR.findall(block.text)) for block in side] for side in (ours, theirs)
    ]
    matcher = SequenceMatcher(None, marks[0], marks[1], autojunk=False)
    return [
        (a.text, b.text)
        for start, other, size in matcher.get_matching_blocks()
        for a, b in zip(ours[start : start + size], theirs[other : other + size], strict=True)
    ]


def join_by_label(ours: list[Block], theirs: list[Block]) -> list[Pair]:
    """Returns the blocks of both documents with equal labels, which are ids."""
    texts = {block.label: block.text for block in theirs}
    return [(block.text, texts[block.label]) for block in ours if block.label in texts]


def read_blocks(
    text: str,
    blocks: Collection[str],
    skipped: Collection[str],
    *,
    joined: Mapping[str, str] | None = None,
    by_id: bool = False,
    skipped_classes: Collection[str] = (),
) -> list[Block]:
    """Returns the blocks of a document in HTML or XML.

    Python's parser of HTML reads XML, too, and like a browser it stumbles over no mistake. Text
    outside of blocks is left out.

    Args:
        text: the document.
        blocks: names of the elements that are blocks, in lower case.
        skipped: names of the elements that are left out with all of their contents.
        joined: what stands between two such elements without anything between them, by name.
        by_id: whether only elements with an id are blocks, and the id is their label.
        skipped_classes: classes of further elements that are left out.

    Raises:
        ValueError: the document is malformed.
    """
    parser = _BlockParser(blocks, skipped, joined or {}, by_id, skipped_classes)
    try:
        parser.feed(_UNKNOWN_ENTITY.sub(r"\1", text))
        parser.close()
    except AssertionError as error:  # Python 3.11 has no other for a malformed declaration
        raise ValueError("malformed") from error
    parser.finish()
    return parser.found


class _BlockParser(HTMLParser):
    def __init__(
        self,
        blocks: Collection[str],
        skipped: Collection[str],
        joined: Mapping[str, str],
        by_id: bool,
        skipped_classes: Collection[str],
    ) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Block] = []
        self._blocks, self._skipped, self._joined, self._by_id = blocks, skipped, joined, by_id
        self._skipped_classes = skipped_classes
        self._open: list[tuple[str, str]] = []
        """Names and labels of the open blocks."""
        self._skipping: list[str] = []
        self._pieces: list[str] = []
        self._just_ended = ""

    def finish(self) -> None:
        text = " ".join("".join(self._pieces).split())
        self._pieces.clear()
        if text and self._open:
            self.found.append(Block(self._open[-1][1], text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        tag = tag.rpartition(":")[2]
        is_skipped = tag in self._skipped or dict(attrs).get("class") in self._skipped_classes
        if self._skipping or is_skipped:
            self._skipping.append(tag)
            return
        if self._just_ended in self._joined and tag in self._joined:
            self._pieces.append(self._joined[tag])
        if tag in self._blocks:
            label = (dict(attrs).get("id") or "") if self._by_id else tag
            if label:
                self.finish()
                self._open.append((tag, label))
        elif tag == "br":
            self._pieces.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag.rpartition(":")[2] == "br":
            self._pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if self._skipping:
            if tag in self._skipping:
                while self._skipping.pop() != tag:
                    pass
            return
        self._just_ended = tag
        if any(tag == name for name, _ in self._open):
            self.finish()
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            if data.strip():
                self._just_ended = ""
            self._pieces.append(data)
