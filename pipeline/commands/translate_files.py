"""`nmt translate --input de.po --output de.po`: fills the files of translators' tools."""

import contextlib
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from pipeline.commands.answer_lines import (
    BATCHES_PER_CHUNK,
    MOST_NAMED,
    Advance,
    DoubtfulLines,
    model_errors,
)
from pipeline.commands.chosen_model import ChosenModel, ModelOptions
from pipeline.commands.line_files import in_chunks, write_whole
from pipeline.commands.line_progress import shown_lines
from pipeline.commands.text_streams import STANDARD_STREAM, require_writable
from pipeline.errors import UserError
from serving.contract.translation import Translation
from text.visible import visible

if TYPE_CHECKING:
    from pipeline.translation_files.entries import TranslationFormat
    from pipeline.translation_files.filling import Filled

Translated = Callable[
    [ChosenModel, Iterable[Sequence[str]]], Generator[list[Translation], None, None]
]
"""Yields the translations of each chunk of texts by a model."""


def chosen_file_format(
    texts: list[str] | None, input_file: str | None, ending: str | None
) -> "TranslationFormat | None":
    """Returns the format of the input if it is a file of a translators' tool.

    Args:
        texts: the command's arguments.
        input_file: the value of `--input`.
        ending: the value of `--format`.

    Raises:
        UserError: there is no such format, or it is not supported.
    """
    if input_file is None:
        if ending is not None:
            raise UserError("--format is the format of --input: give a file.")
        return None
    if texts or (ending is None and (input_file == STANDARD_STREAM or "." not in input_file)):
        return None
    from pipeline.translation_files.registry import chosen_format  # reads a dozen of formats

    return chosen_format(input_file, ending)


def check_file_options(
    form: "TranslationFormat", lines_only: Mapping[str, bool], fuzzy: bool
) -> None:
    """Raises a `UserError` for an option that does not fit a file of this format."""
    for name, value in lines_only.items():
        if value:
            raise UserError(f"--{name} is for text, but --input is {form.name}: take one of them.")
    if fuzzy and not form.is_bilingual:
        raise UserError(
            f"--fuzzy is for files with both languages, but {form.name} has one; leave it out."
        )


def translate_file(
    form: "TranslationFormat",
    input_file: str,
    output_file: str | None,
    options: ModelOptions,
    translated: Translated,
    batch_size: int,
    fuzzy: bool,
) -> None:
    """Translates what a file lacks, writes it, and tells what became of the entries.

    Args:
        form: the format of the file.
        input_file: the value of `--input`.
        output_file: the value of `--output`; it may be the same file.
        options: those of the model.
        translated: translates by this model.
        batch_size: texts in one call of the model.
        fuzzy: whether to fill fuzzy entries, too.

    Raises:
        UserError: a file cannot be read or written, or is none of the format.
    """
    from pipeline.translation_files.filling import fill

    is_shown = output_file in (None, STANDARD_STREAM)
    if not is_shown:
        require_writable(str(output_file))
    data = _content(input_file)
    chosen = options.choose()
    languages = chosen.languages()
    name = "the input" if input_file == STANDARD_STREAM else input_file
    document = form.read(name, data, languages)
    if other := document.other_language(languages):
        raise UserError(
            f"{document.name} says that it is in {other!r}, but the model translates from "
            f"{languages[0]} into {languages[1]}: choose another --config, or mend the file."
        )
    with shown_lines(None, hidden=is_shown) as advance, model_errors():
        ask = _asking(chosen, translated, batch_size, advance)
        filled = fill(document, ask, fuzzy=fuzzy)
    if is_shown:
        sys.stdout.buffer.write(filled.content)
        sys.stdout.buffer.flush()
    else:
        write_whole(str(output_file), filled.content)
    _tell(os.path.basename(document.name), filled, fuzzy)


def _content(input_file: str) -> bytes:
    try:
        if input_file == STANDARD_STREAM:
            return sys.stdin.buffer.read()
        with open(input_file, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{input_file!r} cannot be read ({reason}): give another --input.") from (
            error
        )


def _asking(
    chosen: ChosenModel, translated: Translated, batch_size: int, advance: Advance
) -> Callable[[Sequence[str]], Iterator[Translation]]:
    def ask(texts: Sequence[str]) -> Iterator[Translation]:
        chunks = in_chunks(texts, batch_size * BATCHES_PER_CHUNK)
        with contextlib.closing(translated(chosen, chunks)) as answers:
            for answer in answers:
                advance(len(answer))
                yield from answer

    return ask


def _tell(name: str, filled: "Filled", fuzzy: bool) -> None:
    """Counts the entries on standard error, and names those to look at."""
    from pipeline.translation_files.filling import FILLED

    counts = {FILLED: filled.counts[FILLED], **filled.counts}
    listed = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
    hint = "; --fuzzy fills fuzzy ones, too" if counts.get("fuzzy") and not fuzzy else ""
    typer.echo(f"nmt: {visible(f'{name}: {listed}{hint}')}", err=True)
    for line, reason in filled.left[:MOST_NAMED]:
        typer.echo(f"nmt: line {line}: left as it was: {visible(reason)}", err=True)
    if len(filled.left) > MOST_NAMED:
        typer.echo(f"nmt: {len(filled.left) - MOST_NAMED} more were left as they were", err=True)
    doubtful = DoubtfulLines("look at them in the file")
    for line, warnings in filled.doubtful:
        doubtful.add(line, warnings)
    doubtful.show()
