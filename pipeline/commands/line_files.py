"""Reads text files of any size line by line, and writes files completely or not at all."""

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, TextIO, TypeVar

from pipeline.errors import UserError
from text.encoding import likely_encoding

Line = TypeVar("Line")
_BYTE_ORDER_MARK = "\ufeff"


def read_lines(file: BinaryIO) -> Iterator[str]:
    """Yields the lines of a file without their ends.

    Args:
        file: UTF-8. Only newlines end lines, so the number of lines is the same as in other tools.
          A byte order mark and the carriage returns of Windows are dropped.

    Raises:
        UserError: a line is in another encoding.
    """
    for number, line in enumerate(file):
        if encoding := likely_encoding(line):
            raise UserError(
                f"Line {number + 1} of {_display_name(file)} is not UTF-8, but probably "
                f"{encoding}: convert it first, as with iconv -f {encoding} -t UTF-8."
            )
        text = line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
        yield text.removeprefix(_BYTE_ORDER_MARK) if number == 0 else text


def _display_name(file: BinaryIO) -> str:
    """Returns the name of a file for messages."""
    name = getattr(file, "name", None)
    return name if isinstance(name, str) and not name.startswith("<") else "the input"


def in_chunks(
    lines: Iterable[Line],
    max_lines: int,
    max_characters: int = 1_000_000,
    length: Callable[[Line], int] = len,  # type: ignore[assignment]  # of a Sized line
) -> Iterator[list[Line]]:
    """Groups lines into chunks, to keep only a part of a large file in memory.

    Args:
        lines: any number.
        max_lines: largest number of lines in a chunk.
        max_characters: a chunk ends with the line reaching this number of characters.
        length: returns the number of characters of a line; needed for lines other than strings.
    """
    chunk: list[Line] = []
    characters = 0
    for line in lines:
        chunk.append(line)
        characters += length(line)
        if len(chunk) >= max_lines or characters >= max_characters:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


@contextlib.contextmanager
def written_whole(path: str) -> Iterator[TextIO]:
    """Opens a UTF-8 file to appear under its name only when it is complete.

    Args:
        path: the destination. A file there is replaced at the end, or kept after an error. A device
          or a pipe is written to directly.

    Raises:
        OSError: the file cannot be written.
    """
    with _replaced(path) as place, open(place, "w", encoding="utf-8", newline="\n") as file:
        yield file


def write_whole(path: str, content: bytes) -> None:
    """Writes bytes to a file, completely or not at all, like `written_whole`."""
    with _replaced(path) as place, open(place, "wb") as file:
        file.write(content)


@contextlib.contextmanager
def _replaced(path: str) -> Iterator[str]:
    """Yields a temporary path to write to, and moves the written file into its place."""
    destination = os.path.realpath(path)
    if os.path.exists(destination) and not stat.S_ISREG(os.stat(destination).st_mode):
        yield destination
        return
    folder, name = os.path.split(destination)
    partial = os.path.join(folder, f".{name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, destination)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
