"""Opens the input of commands (arguments, a file or standard input) and their output."""

import contextlib
import io
import itertools
import os
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple, TextIO

from pipeline.commands.line_files import read_lines, written_whole
from pipeline.errors import UserError
from text.encoding import likely_encoding

STANDARD_STREAM = "-"
"""Means standard input or standard output, in place of a file's name."""


class Pair(NamedTuple):
    """A text, and its translation if one was given."""

    source: str
    target: str | None

    @property
    def is_blank(self) -> bool:
        """Whether a side is only white space, so the model has no work."""
        return not self.source.strip() or (self.target is not None and not self.target.strip())

    def characters(self) -> int:
        """Returns the length of both sides together."""
        return len(self.source) + len(self.target or "")


@contextlib.contextmanager
def source_lines(
    texts: list[str] | None, input_file: str | None, nothing_to_do: str
) -> Iterator[Iterable[str]]:
    """Opens the input texts of a command.

    Args:
        texts: the command's arguments.
        input_file: the value of `--input`.
        nothing_to_do: the message if neither is given at a terminal.

    Raises:
        UserError: there are no texts, or both kinds, or the file cannot be read.
    """
    if texts and input_file is not None:
        raise UserError("Give texts as arguments or a file with --input, not both.")
    if input_file not in (None, STANDARD_STREAM):
        with _open_input(str(input_file), "--input") as file:
            yield read_lines(file)
    elif texts and texts != [STANDARD_STREAM]:
        yield arguments(texts)
    elif sys.stdin is None or (not texts and input_file is None and sys.stdin.isatty()):
        raise UserError(nothing_to_do)
    else:
        yield read_lines(sys.stdin.buffer)


@contextlib.contextmanager
def source_pairs(
    texts: list[str] | None,
    targets: list[str] | None,
    input_file: str | None,
    target_file: str | None,
    nothing_to_do: str,
) -> Iterator[Iterable[Pair]]:
    """Opens texts together with their translations, if any are given.

    Args:
        texts: the command's arguments.
        targets: the values of `--target`.
        input_file: the value of `--input`.
        target_file: the value of `--target-input`.
        nothing_to_do: the message if no text is given at a terminal.

    Raises:
        UserError: as `source_lines`, or the numbers of texts and translations differ. For files,
            this is raised at the end of the shorter one.
    """
    if targets and target_file is not None:
        raise UserError("Give translations with --target or a file with --target-input, not both.")
    if target_file == STANDARD_STREAM:
        raise UserError("--target-input needs the name of a file; only --input may be -.")
    with contextlib.ExitStack() as stack:
        sources = stack.enter_context(source_lines(texts, input_file, nothing_to_do))
        if target_file is not None:
            file = stack.enter_context(_open_input(target_file, "--target-input"))
            yield _paired(sources, read_lines(file))
        elif targets:
            yield _paired(sources, arguments(targets))
        else:
            yield (Pair(source, None) for source in sources)


@contextlib.contextmanager
def destination(output_file: str | None) -> Iterator[TextIO]:
    """Opens the output of a command.

    Args:
        output_file: the value of `--output`.

    Raises:
        UserError: the file cannot be written.
    """
    if output_file in (None, STANDARD_STREAM):
        if isinstance(sys.stdout, io.TextIOWrapper):
            # On a terminal without Unicode, question marks are better than a traceback.
            sys.stdout.reconfigure(errors="replace")
        yield sys.stdout
        return
    require_writable(str(output_file))
    with written_whole(str(output_file)) as file:
        yield file


def require_writable(path: str) -> None:
    """Checks an output path before any work is done for it.

    Raises:
        UserError: the path is a folder, or its folder does not exist.
    """
    if os.path.isdir(path) or not os.path.isdir(os.path.dirname(os.path.realpath(path))):
        raise UserError(f"{path!r} cannot be written: name a file in an existing folder.")


def arguments(texts: list[str]) -> list[str]:
    """Reads texts of the command line.

    Raises:
        UserError: one is not UTF-8.
    """
    for number, text in enumerate(texts, start=1):
        # Python replaces invalid bytes of the command line by surrogates.
        encoding = likely_encoding(text.encode("utf-8", errors="surrogateescape"))
        if encoding:
            raise UserError(
                f"Text {number} is not UTF-8, but probably {encoding}: set the terminal to UTF-8, "
                "or convert the text."
            )
    return texts


def _open_input(path: str, option: str) -> BinaryIO:
    try:
        return open(path, "rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path!r} cannot be read ({reason}): give another {option}.") from error


def _paired(sources: Iterable[str], targets: Iterable[str]) -> Iterator[Pair]:
    for number, (source, target) in enumerate(itertools.zip_longest(sources, targets)):
        if source is None or target is None:
            shorter, longer = (
                ("texts", "translations") if source is None else ("translations", "texts")
            )
            raise UserError(
                f"There are only {number} {shorter}, but more {longer}: give one translation for "
                "each text, line by line."
            )
        yield Pair(source, target)
