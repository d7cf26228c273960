"""Compiled message catalogues of Qt, `.qm`.

The format is that of Qt's QTranslator: sections, and in the section of messages tagged fields.
https://code.qt.io/cgit/qt/qtbase.git/tree/src/corelib/kernel/qtranslator.cpp
"""

import struct
from collections.abc import Iterator

from pipeline.corpora.packages.kind import BilingualKind
from pipeline.corpora.packages.messages import clean_message
from text.sentences import Pair

_MAGIC = bytes.fromhex("3cb86418caef9c95cd211cbf60a1bddd")
_MESSAGES = 0x69
_END, _TRANSLATION, _UNUSED, _SOURCE = 1, 3, 5, 6
_UNUSED_BYTES = 4
_NOT_TRANSLATED = 0xFFFFFFFF


def _is_catalogue(path: str, names: frozenset[str]) -> bool:
    stem, dot, ending = path.lower().rpartition("/")[2].rpartition(".")
    return bool(dot) and ending == "qm" and any(stem.endswith((f"_{n}", f".{n}")) for n in names)


def read_catalogue(content: bytes) -> Iterator[Pair]:
    """Yields the messages of a catalogue and their translations.

    Of the forms of a plural, the last one is taken. A catalogue without its source texts has none.

    Args:
        content: the content of a `.qm` file.

    Raises:
        ValueError: it is damaged, or no such file.
    """
    if not content.startswith(_MAGIC):
        raise ValueError("no catalogue of Qt")
    place = len(_MAGIC)
    try:
        while place < len(content):
            section, length = struct.unpack_from(">BI", content, place)
            place += 5
            if section == _MESSAGES:
                yield from _messages(content[place : place + length])
            place += length
    except struct.error as error:
        raise ValueError("truncated") from error


def _messages(section: bytes) -> Iterator[Pair]:
    source = target = ""
    place = 0
    while place < len(section):
        tag = section[place]
        place += 1
        if tag == _END:
            yield from clean_message(source, target)
            source = target = ""
        elif tag == _UNUSED:
            place += _UNUSED_BYTES
        else:
            (length,) = struct.unpack_from(">I", section, place)
            place += 4
            length = 0 if length == _NOT_TRANSLATED else length
            field = section[place : place + length]
            place += length
            if tag == _TRANSLATION:
                target = field.decode("utf-16-be")
            elif tag == _SOURCE:
                source = field.decode("utf-8")


KIND = BilingualKind(_is_catalogue, read_catalogue)
