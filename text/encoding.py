"""Names the likely encoding of bytes that are not UTF-8."""

import re
from collections.abc import Iterable

_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_LEAST_BYTES = 8
_LEAST_NULS = 0.6
"""Share of NULs in every second byte of UTF-16 without a mark, for the Latin script."""
_LATIN = "WINDOWS-1252"
"""Of the encodings with one byte a character, this one is a superset of Latin-1."""
_BY_LANGUAGE = {
    "ar fa ur": ["CP1256"],
    "be bg mk ru sr uk": ["CP1251"],
    "bs cs hr hu pl ro sk sl sq": ["CP1250"],
    "el": ["CP1253"],
    "et lt lv": ["CP1257"],
    "he yi": ["CP1255"],
    "ja": ["CP932", "EUC-JP"],
    "ko": ["CP949"],
    "th": ["CP874"],
    "az tr": ["CP1254"],
    "vi": ["CP1258"],
    "zh": ["GB18030"],
}
"""The usual encodings before Unicode of the languages with others than Western Europe's."""


def likely_encoding(data: bytes, languages: Iterable[str] = ()) -> str | None:
    """Returns the likely name of an encoding, as for `iconv`; None if the bytes are UTF-8 text.

    Args:
      data: the start of a file, or a line of it.
      languages: codes of the languages of the text.
    """
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            return name
    for name, nuls, others in (
        ("UTF-16BE", data[::2], data[1::2]),
        ("UTF-16LE", data[1::2], data[::2]),
    ):
        if (
            len(data) >= _LEAST_BYTES
            and 0 not in others
            and nuls.count(0) > _LEAST_NULS * len(nuls)
        ):
            return name
    if not can_decode(data, "utf-8"):
        bases = [re.split("[-_@]", language)[0] for language in languages]
        usual = (
            name
            for base in bases
            for group, names in _BY_LANGUAGE.items()
            if base in group.split()
            for name in names
        )
        return next((name for name in usual if can_decode(data, name)), _LATIN)
    return None


def can_decode(data: bytes, encoding: str) -> bool:
    """Returns whether bytes are text in an encoding that Python knows."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
