"""Shared functions of the commands running an exported model line by line."""

import contextlib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TextIO

import typer

from pipeline.commands.chosen_model import Model
from pipeline.commands.line_files import in_chunks
from pipeline.commands.line_progress import shown_lines
from pipeline.commands.text_streams import STANDARD_STREAM, Pair
from pipeline.errors import RunFailedError, UserError
from serving.contract.translation import Translation
from serving.local.parallel_translation import WorkerError
from serving.local.saved_model import ModelCallError, ModelLoadError
from text.direction import isolate, isolate_words
from text.visible import visible

BATCHES_PER_CHUNK = 16
"""Enough lines to batch those of similar length together, few enough to show progress."""
MOST_NAMED = 10
_LINE_BREAKS = re.compile(r"[\r\n]+")

Advance = Callable[[int], None]
"""Takes the number of lines done since the last call."""


@contextlib.contextmanager
def model_errors() -> Iterator[None]:
    """Turns the errors of a model into the errors of commands."""
    try:
        yield
    except ModelLoadError as error:
        raise UserError(str(error)) from error
    except (ModelCallError, WorkerError) as error:
        raise RunFailedError(str(error)) from error


def answers(
    model: Model,
    pairs: Iterable[Pair],
    batch_size: int,
    advance: Advance = lambda done: None,
    *,
    split: bool = True,
) -> Iterator[tuple[Pair, Translation | None]]:
    """Translates texts by beam search, and scores the given translations.

    Args:
        model: an opened model.
        pairs: any number; only some of them are in memory at a time.
        batch_size: number of pairs in one call of the model.
        advance: called with the number of lines done.
        split: whether to translate each sentence of a text by itself.

    Yields:
        Each pair with its result, in order; None if a side is blank.
    """
    for chunk in in_chunks(pairs, batch_size * BATCHES_PER_CHUNK, length=Pair.characters):
        found = iter(_ask(model, [pair for pair in chunk if not pair.is_blank], split))
        yield from ((pair, None if pair.is_blank else next(found)) for pair in chunk)
        advance(len(chunk))


def _ask(model: Model, pairs: list[Pair], split: bool) -> list[Translation]:
    given = [pair.target for pair in pairs if pair.target is not None]
    if given:  # either all pairs have a translation or none
        return [*model.score([pair.source for pair in pairs], given)]
    return model.translate([pair.source for pair in pairs], split=split)


def shown_progress(
    input_file: str | None, output_file: str | None
) -> AbstractContextManager[Advance]:
    """Shows the progress of a command on standard error, if its output goes to a file.

    Args:
        input_file: the value of `--input`.
        output_file: the value of `--output`.
    """
    path = None if input_file == STANDARD_STREAM else input_file
    # On standard output, the lines themselves show the progress.
    return shown_lines(path, hidden=output_file in (None, STANDARD_STREAM))


class DoubtfulLines:
    """The lines with a doubtful translation.

    Args:
        advice: how to find those that are not named.
    """

    def __init__(self, advice: str = "--json marks all of them") -> None:
        self._advice = advice
        self._sentences: list[str] = []
        self._number = 0

    def add(self, line: int, warnings: Sequence[str]) -> None:
        """Adds the warnings of a line, if there are any."""
        self._number += bool(warnings)
        if warnings and self._number <= MOST_NAMED:
            self._sentences.append(f"line {line}: doubtful: {'; '.join(warnings)}")

    def show(self) -> None:
        """Names the first lines on standard error, and counts the others."""
        for sentence in self._sentences:
            typer.echo(f"nmt: {isolate_words(visible(sentence))}", err=True)
        if self._number > MOST_NAMED:
            more = self._number - MOST_NAMED
            typer.echo(f"nmt: {more} more doubtful lines; {self._advice}", err=True)


def require_uncut(lines: Sequence[int]) -> None:
    """Fails a command after its output if the model read or wrote only a part of some texts.

    Args:
        lines: the numbers of these texts, from 1.

    Raises:
        RunFailedError: there are some.
    """
    if lines:
        named = ", ".join(map(str, lines[:MOST_NAMED]))
        more = f" and {len(lines) - MOST_NAMED} more" if len(lines) > MOST_NAMED else ""
        raise RunFailedError(
            f"A sentence or its translation was cut at the model's limit in line {named}{more}: "
            "divide it into shorter sentences."
        )


def one_line(text: str) -> str:
    """Replaces the line breaks in a text by spaces."""
    return _LINE_BREAKS.sub(" ", text)


def field(text: str, output: TextIO) -> str:
    """Returns a text for a line with other fields; on a terminal, which may reorder them, isolated.

    Args:
        text: the text.
        output: where the line is written.
    """
    return isolate(one_line(text)) if output.isatty() else one_line(text)


def json_number(value: float) -> float | None:
    """Rounds a number for JSON; NaN and infinity, missing in JSON, become None."""
    return round(value, 6) if math.isfinite(value) else None
