"""Reads TFRecord files without TensorFlow (`tensorflow/core/lib/io/record_writer.h`)."""

import struct
from collections.abc import Iterator

_HEAD = struct.Struct("<QI")
"""The length of a record, and the checksum of the length's bytes."""
_FOOT = struct.Struct("<I")
"""The checksum of the record."""
_POLYNOMIAL = 0x82F63B78
"""Castagnoli's, as CRC32C uses it."""


class RecordError(Exception):
    """A file is not a TFRecord file, or damaged; the message is a clause."""


def read_records(content: bytes) -> Iterator[bytes]:
    """Yields the records of a file.

    Raises:
      RecordError: the file is truncated or damaged.
    """
    position = 0
    while position < len(content):
        try:
            length, checksum = _HEAD.unpack_from(content, position)
            _check(content[position : position + 8], checksum)
            position += _HEAD.size
            record = content[position : position + length]
            position += length
            _check(record, *_FOOT.unpack_from(content, position))
        except struct.error as error:
            raise RecordError("it ends within a record") from error
        position += _FOOT.size
        yield record


def _check(content: bytes, checksum: int) -> None:
    if _masked(_crc32c(content)) != checksum:
        raise RecordError("a record differs from its checksum")


def _masked(checksum: int) -> int:
    """Alters a checksum, as TensorFlow does for a checksum of bytes that hold checksums."""
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _crc32c(content: bytes) -> int:
    state = 0xFFFFFFFF
    for byte in content:
        state = _TABLE[(state ^ byte) & 0xFF] ^ state >> 8
    return state ^ 0xFFFFFFFF


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE = [_entry(byte) for byte in range(256)]
