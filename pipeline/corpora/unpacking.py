"""Decompresses text, but not a bomb: a small file that unpacks to gigabytes."""

import gzip
import io
from pathlib import Path
from typing import IO

from pipeline.errors import UserError

_GZIP_MAGIC = b"\x1f\x8b"
_PIECE = 1 << 20
_ALWAYS_ALLOWED = 64 << 20
_LARGEST_RATIO = 100
"""Text becomes 3 to 10 times as small; a file of one repeated line 1,000 times."""


def read_packed(stream: IO[bytes] | gzip.GzipFile, packed_bytes: int, path: Path) -> bytes:
    """Reads a decompressing stream to its end.

    Args:
        stream: the stream.
        packed_bytes: the size of the compressed content.
        path: the file, for messages.

    Raises:
        UserError: it unpacks to more than 100 times its size, or to more than the memory.
    """
    content = bytearray()
    try:
        while piece := stream.read(_PIECE):
            content += piece
            if len(content) > max(_ALWAYS_ALLOWED, _LARGEST_RATIO * packed_bytes):
                raise UserError(
                    f"{path} unpacks to more than {_LARGEST_RATIO} times its size, which no text "
                    "does; unpack it yourself if you trust it."
                )
        return bytes(content)
    except MemoryError as error:
        content.clear()
        raise UserError(
            f"{path} unpacks to more than this machine's memory; divide it into smaller files."
        ) from error


def gunzip(data: bytes, path: Path) -> bytes:
    """Decompresses gzip, recognised by content, not by name; other content is returned as it is.

    Raises:
        UserError: as `read_packed`.
        EOFError, zlib.error, gzip.BadGzipFile: it is damaged.
    """
    if not data.startswith(_GZIP_MAGIC):
        return data
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
        return read_packed(stream, len(data), path)
