"""What the commands share that ask an exported model line by line and write what it answers."""

import contextlib
import math
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

import typer

from pipeline.commands.line_files import in_chunks
from pipeline.commands.line_progress import shown_lines
from pipeline.commands.text_streams import STANDARD_STREAM, Pair
from pipeline.errors import RunFailedError, UserError
from serving.contract.translation import Translation
from serving.local.model import LocalModel
from serving.local.parallel_translation import WorkerError
from serving.local.saved_model import ModelCallError, ModelLoadError

BATCHES_PER_CHUNK = 16
"""Enough lines at once to batch those of similar length, few enough to show progress."""
_LINE_BREAKS = re.compile(r"[\r\n]+")

Advance = Callable[[int], None]
"""Is told how many more lines are done."""


@contextlib.contextmanager
def model_errors() -> Iterator[None]:
    """Turns what goes wrong with a model into the errors that commands end with."""
    try:
        yield
    except ModelLoadError as error:
        raise UserError(str(error)) from error
    except (ModelCallError, WorkerError) as error:
        raise RunFailedError(str(error)) from error


def answers(
    folder: str, pairs: Iterable[Pair], batch_size: int, advance: Advance = lambda done: None
) -> Iterator[tuple[Pair, Translation | None]]:
    """Translates texts by beam search, and scores those that come with a translation.

    Args:
        folder: of an exported model.
        pairs: any number; only some of them are in memory at a time.
        batch_size: how many go through the model at once.
        advance: is told of the lines done.

    Yields:
        Each pair with its answer, in order; with None where a side is blank.
    """
    model = LocalModel(folder, batch_size)
    for chunk in in_chunks(pairs, batch_size * BATCHES_PER_CHUNK, length=Pair.characters):
        found = iter(_ask(model, [pair for pair in chunk if not pair.is_blank]))
        yield from ((pair, None if pair.is_blank else next(found)) for pair in chunk)
        advance(len(chunk))


def _ask(model: LocalModel, pairs: list[Pair]) -> list[Translation]:
    given = [pair.target for pair in pairs if pair.target is not None]
    if given:  # then each has one
        return [*model.score([pair.source for pair in pairs], given)]
    return model.translate([pair.source for pair in pairs])


def shown_progress(
    input_file: str | None, output_file: str | None
) -> AbstractContextManager[Advance]:
    """Shows how far a command has come on standard error, if its answers go to a file.

    Args:
        input_file: the value of `--input`.
        output_file: the value of `--output`.
    """
    path = None if input_file == STANDARD_STREAM else input_file
    # On standard output the lines show it themselves.
    return shown_lines(path, hidden=output_file in (None, STANDARD_STREAM))


def warn_of_cut_texts(number: int) -> None:
    """Says on standard error how many texts were cut, if any were."""
    if number:
        typer.echo(
            f"nmt: {number} of the texts or translations were cut at the model's limit.", err=True
        )


def one_line(text: str) -> str:
    """Puts a text that holds line breaks on one line."""
    return _LINE_BREAKS.sub(" ", text)


def json_number(value: float) -> float | None:
    """Rounds a number for JSON, which has no NaN and no infinity."""
    return round(value, 6) if math.isfinite(value) else None
