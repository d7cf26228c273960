"""A file to import: its unpacked bytes, and its lines as text."""

import codecs
import functools
import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from components.parallel_text import read_lines
from pipeline.corpora.unpacking import unpacked
from pipeline.errors import UserError
from text.characters import LONE_SURROGATE
from text.encoding import likely_encoding

_PROBED_BYTES = 1000
_MOST_LINE_BYTES = 1 << 20
_STRAY_SHARE = 0.005
"""Share of a file's lines up to which lines in another encoding are set aside."""
_SHIFTING = re.compile("utf-?7|hz|iso-?2022.*", re.IGNORECASE)
"""Encodings of Unicode or Chinese, Japanese and Korean in ASCII bytes: they pass for UTF-8."""


@dataclass(frozen=True)
class Reading:
    """What to know of the files besides their content."""

    languages: tuple[str, str] = ("en", "de")
    """The codes of source and target."""
    columns: tuple[str, ...] = ()
    """Names or numbers, from 1, of the columns with source, target and features; empty for all."""
    features: tuple[str, ...] = ()
    """Names of the columns after source and target."""
    encoding: str | None = None
    """The encoding of lines that are not UTF-8."""


@dataclass(frozen=True)
class TextFile:
    """A file, or a member of an archive.

    Attributes:
        name: the name for messages and rejected lines.
        open: opens the content, which may be compressed.
        packed_bytes: the size of that content.
    """

    name: str
    open: Callable[[], AbstractContextManager[BinaryIO]]
    packed_bytes: int

    @classmethod
    def at(cls, path: Path) -> "TextFile":
        """Returns the file at a path; a pipe is read once, when it is first opened.

        Raises:
            UserError: there is no file, or it cannot be read.
        """
        try:
            if path.exists() and not path.is_file() and not path.is_dir():
                content = functools.cache(path.read_bytes)
                # The size of what comes through a pipe is not known, and so not limited.
                return cls(str(path), lambda: io.BytesIO(content()), sys.maxsize)
            with path.open("rb"):
                return cls(str(path), lambda: path.open("rb"), path.stat().st_size)
        except OSError as error:
            raise UserError(f"Cannot read {path} ({error.strerror or error}).") from error

    @property
    def short_name(self) -> str:
        """The name without its folder."""
        return self.name.rpartition("/")[2]

    @contextmanager
    def unpacked(self) -> Iterator[io.BufferedReader]:
        """Opens the content, decompressed.

        Raises:
            UserError: it cannot be read; raised while it is read, too.
        """
        try:
            with self.open() as packed, unpacked(packed, self.packed_bytes, self.name) as stream:
                yield stream
        except OSError as error:
            raise UserError(f"Cannot read {self.name} ({error.strerror or error}).") from error

    @property
    def is_utf16(self) -> bool:
        """Whether the file has UTF-16's byte order mark, as spreadsheets write it."""
        with self.unpacked() as stream:
            return likely_encoding(stream.peek(_PROBED_BYTES)[:_PROBED_BYTES]) == "UTF-16"

    def lines(self, reading: Reading) -> Iterator[str]:
        r"""Yields the lines without their ends, `\n` or `\r\n`.

        UTF-16 and UTF-32 are recognised by their byte order mark. Each other line is UTF-8, or in
        the encoding of `reading`, or has its bytes as lone surrogates (`surrogateescape`).

        Raises:
            UserError: the file cannot be read, or is in another encoding: most of its lines that
                are not ASCII are in none of these. The message names the first and its encoding.
        """
        with self.unpacked() as stream:
            start = stream.peek(_PROBED_BYTES)[:_PROBED_BYTES]
            encoding = likely_encoding(start) or ""
            if not encoding.startswith("UTF"):
                encoding = _whole_file_encoding(reading.encoding)
            elif encoding not in ("UTF-16", "UTF-32"):  # there is no mark, so it is a guess
                if not reading.encoding:
                    raise UserError(
                        f"{self.name} is in {encoding}: add --encoding {encoding}, or save it as "
                        "UTF-8."
                    )
                encoding = reading.encoding
            if encoding:
                yield from self._in_one_encoding(stream, encoding)
            else:
                yield from self._in_utf8(stream, reading)

    def _in_one_encoding(self, stream: io.BufferedReader, encoding: str) -> Iterator[str]:
        number = 0
        try:
            for number, line in enumerate(  # noqa: B007
                io.TextIOWrapper(stream, encoding, newline="\n"), start=1
            ):
                yield line.removesuffix("\n").removesuffix("\r")
        except UnicodeError as error:
            raise UserError(
                f"Line {number + 1} of {self.name} is not {encoding.upper()}, in which the file "
                "begins; save it as UTF-8."
            ) from error

    def _in_utf8(self, stream: BinaryIO, reading: Reading) -> Iterator[str]:
        valid = invalid = number = 0
        complaint = ""
        for number, line in enumerate(read_lines(stream, _MOST_LINE_BYTES), start=1):
            line = line.removesuffix(b"\r")
            text = _decoded(line, reading.encoding)
            if not text.isascii():
                if LONE_SURROGATE.search(text):
                    invalid += 1
                    complaint = complaint or self._complaint(number, line, reading)
                else:
                    valid += 1
            yield text
        if invalid > max(valid, _STRAY_SHARE * number):
            raise UserError(complaint)

    def _complaint(self, number: int, line: bytes, reading: Reading) -> str:
        likely = likely_encoding(line, reading.languages)
        if reading.encoding is None:
            return (
                f"Line {number} of {self.name} is not UTF-8, but probably {likely}: add "
                f"--encoding {likely}, or the encoding that you know it is in."
            )
        return (
            f"Line {number} of {self.name} is neither UTF-8 nor {reading.encoding}, but probably "
            f"{likely}; give another --encoding."
        )


def check_encoding(name: str | None) -> str | None:
    """Returns the name of an encoding.

    Raises:
        UserError: Python knows none of this name.
    """
    try:
        if name is not None:
            "a".encode(name)
    except (LookupError, UnicodeError, ValueError) as error:
        raise UserError(
            f"{name!r} is no encoding; give one such as WINDOWS-1252, CP1251, GB18030 or UTF-16."
        ) from error
    return name


def spelled_out(text: str) -> str:
    r"""Returns a text with the bytes of another encoding by their codes: `\xff`."""
    return LONE_SURROGATE.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", text)


def _whole_file_encoding(name: str | None) -> str:
    r"""Returns the name of an encoding whose `\n` or letters are not ASCII's; otherwise nothing."""
    if name is None:
        return ""
    is_ascii = "a\n".encode(name) == b"a\n" and not _SHIFTING.fullmatch(codecs.lookup(name).name)
    return "" if is_ascii else name


def _decoded(line: bytes, encoding: str | None) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if encoding is not None:
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            pass
    return line.decode("utf-8", "surrogateescape")
