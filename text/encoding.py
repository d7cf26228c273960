"""Names the likely encoding of bytes that are not UTF-8."""

_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_LEAST_BYTES = 8
_LEAST_NULS = 0.6
"""Share of NULs in every second byte of UTF-16 without a mark, for the Latin script."""


def likely_encoding(data: bytes) -> str | None:
    """Returns the likely name of an encoding, as for `iconv`; None if the bytes are UTF-8 text.

    Args:
      data: the start of a file, or a line of it.
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
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        # Of the encodings with one byte a character, this one is a superset of Latin-1.
        return "WINDOWS-1252"
    return None
