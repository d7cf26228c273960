"""Text files line by line, for commands that read any size and never leave half an answer."""

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, TextIO, TypeVar

Line = TypeVar("Line")
_BYTE_ORDER_MARK = "\ufeff"


def read_lines(file: BinaryIO) -> Iterator[str]:
    """Yields the lines of a file without their ends.

    Args:
        file: UTF-8; what is not becomes U+FFFD. Only newlines end lines, so that as many lines come
          out as any other
            tool counts. A byte order mark and the carriage returns of Windows are dropped.
    """
    for number, line in enumerate(file):
        text = line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", errors="replace")
        yield text.removeprefix(_BYTE_ORDER_MARK) if number == 0 else text


def in_chunks(
    lines: Iterable[Line],
    max_lines: int,
    max_characters: int = 1_000_000,
    length: Callable[[Line], int] = len,  # type: ignore[assignment]  # of a Sized line
) -> Iterator[list[Line]]:
    """Groups lines so that only some of a large file are in memory.

    Args:
        lines: any number.
        max_lines: the most lines of a chunk.
        max_characters: a chunk ends with the line that reaches this many.
        length: the characters of a line, where lines are more than text.
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
    """Opens a UTF-8 file that appears under its name only when all of it is written.

    Args:
        path: where it shall be; what is there is replaced at the end, or kept if anything goes
          wrong. A device or a
            pipe is written to directly.

    Raises:
        OSError: the file cannot be written.
    """
    with _replaced(path) as place, open(place, "w", encoding="utf-8", newline="\n") as file:
        yield file


def write_whole(path: str, content: bytes) -> None:
    """Writes a file that appears under its name only when all of it is written, as above."""
    with _replaced(path) as place, open(place, "wb") as file:
        file.write(content)


@contextlib.contextmanager
def _replaced(path: str) -> Iterator[str]:
    """Gives the path to write to, and moves what was written there into its place."""
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
