"""Compiled message catalogues of GNU gettext, `.mo`.

The standard library's reader drops the English plural, which is a message, too. The format:
https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html
"""

import re
import struct
from collections.abc import Iterator

from pipeline.corpora.packages.kind import BilingualKind
from pipeline.corpora.packages.messages import clean_message
from text.sentences import Pair

_BYTE_ORDERS = {b"\xde\x12\x04\x95": "<", b"\x95\x04\x12\xde": ">"}
_CHARSET = re.compile(rb"charset=([\w.:-]+)")
_END_OF_CONTEXT = "\x04"


def _is_catalogue(path: str, names: frozenset[str]) -> bool:
    parts = path.lower().split("/")
    is_message_folder = len(parts) > 2 and parts[-2] == "lc_messages"
    return is_message_folder and parts[-1].endswith(".mo") and parts[-3] in names


def read_catalogue(content: bytes) -> Iterator[Pair]:
    """Yields the messages of a catalogue and their translations.

    Args:
        content: the content of a `.mo` file.

    Raises:
        ValueError: it is damaged, or no such file.
    """
    order = _BYTE_ORDERS.get(content[:4])
    if order is None:
        raise ValueError("no catalogue of gettext")
    try:
        _, count, originals, translations = struct.unpack_from(f"{order}4I", content, 4)
        texts = [
            (_text(content, order, originals, row), _text(content, order, translations, row))
            for row in range(count)
        ]
    except struct.error as error:
        raise ValueError("truncated") from error
    header = next((target for source, target in texts if not source), b"")
    charset = _CHARSET.search(header)
    try:
        encoding = charset[1].decode() if charset else "utf-8"
        decoded = [(ours.decode(encoding), theirs.decode(encoding)) for ours, theirs in texts]
    except LookupError as error:
        raise ValueError(f"unknown encoding {encoding}") from error
    for ours, theirs in decoded:
        if ours:
            yield from _messages(ours, theirs)


def _text(content: bytes, order: str, table: int, row: int) -> bytes:
    length, offset = struct.unpack_from(f"{order}2I", content, table + 8 * row)
    if offset + length > len(content):
        raise ValueError("truncated")
    return content[offset : offset + length]


def _messages(source: str, target: str) -> Iterator[Pair]:
    """Yields a message, and its plural with the last form of the translation."""
    singular, *plural = source.rpartition(_END_OF_CONTEXT)[2].split("\0")
    forms = target.split("\0")
    yield from clean_message(singular, forms[0])
    if plural and len(forms) > 1:
        yield from clean_message(plural[0], forms[-1])


KIND = BilingualKind(_is_catalogue, read_catalogue)
