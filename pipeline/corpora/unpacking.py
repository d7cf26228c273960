"""Decompresses text, but not a bomb: a small file that unpacks to gigabytes."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard

from pipeline.errors import UserError

_GZIP_MAGIC = b"\x1f\x8b"
_XZ_MAGIC = b"\xfd7zXZ\0"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_BZIP2_MAGIC, _BZIP2_BLOCK = b"BZh", slice(4, 10)
_LONGEST_MAGIC = 10
COMPRESSED_SUFFIXES = (".gz", ".xz", ".bz2", ".zst")
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
            _check_size(len(content), packed_bytes, str(path))
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


@contextmanager
def unpacked(packed: BinaryIO, packed_bytes: int, name: str) -> Iterator[io.BufferedReader]:
    """Opens gzip, xz, bzip2 or Zstandard, recognised by content, not by name, or plain content.

    Args:
        packed: the content.
        packed_bytes: its size.
        name: the file, for messages.

    Yields:
        A stream of the content, in pieces, so its size does not matter.

    Raises:
        UserError: it is damaged, or unpacks to more than 100 times its size. It is raised where the
            stream is read.
    """
    content = io.BufferedReader(cast(io.RawIOBase, packed), _PIECE)
    start = content.peek(_LONGEST_MAGIC)
    kind, stream = "", cast(IO[bytes], content)
    if start.startswith(_GZIP_MAGIC):
        kind, stream = "gzip", cast(IO[bytes], gzip.GzipFile(fileobj=content))
    elif start.startswith(_XZ_MAGIC):
        kind, stream = "xz", cast(IO[bytes], lzma.LZMAFile(content))  # noqa: SIM115
    elif start.startswith(_BZIP2_MAGIC) and start[_BZIP2_BLOCK] == b"1AY&SY":
        kind, stream = "bzip2", cast(IO[bytes], bz2.BZ2File(content))
    elif start.startswith(_ZSTD_MAGIC):
        kind, stream = "Zstandard", io.BufferedReader(_Zstandard(content))
    limited = _Limited(stream, packed_bytes, name)
    try:
        yield io.BufferedReader(limited, _PIECE)
    except (EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError) as error:
        if not kind or (isinstance(error, OSError) and error.errno):
            raise
        raise UserError(f"{name} is a damaged {kind} file; fetch or compress it again.") from error


class _Limited(io.RawIOBase):
    """A decompressing stream that refuses to unpack a bomb."""

    def __init__(self, stream: IO[bytes], packed_bytes: int, name: str) -> None:
        self._stream, self._packed_bytes, self.name = stream, packed_bytes, name
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._read += len(data)
        _check_size(self._read, self._packed_bytes, self.name)
        return len(data)


class _Zstandard(io.RawIOBase):
    """A Zstandard stream, with an error where it is cut off: zstandard's own reader has none."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            data = self._frame.unused_data or self._packed.read(_PIECE // 16)
            if self._frame.eof and data:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            elif self._frame.eof:
                return 0
            elif not data:
                raise EOFError("The last frame is cut off.")
            self._rest = self._frame.decompress(data)
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _check_size(unpacked_bytes: int, packed_bytes: int, name: str) -> None:
    if unpacked_bytes > max(_ALWAYS_ALLOWED, _LARGEST_RATIO * packed_bytes):
        raise UserError(
            f"{name} unpacks to more than {_LARGEST_RATIO} times its size, which no text does; "
            "unpack it yourself if you trust it."
        )
