"""`nmt translate`: text in, translation and attention out, with the live model and without TFX."""

import contextlib
import io
import json
import math
import os
import re
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from typing import Annotated, Any, BinaryIO, TextIO

import numpy as np
import typer

from pipeline.config import load_config
from pipeline.errors import RunFailedError, UserError
from pipeline.line_files import in_chunks, read_lines, written_whole
from pipeline.line_progress import shown_lines
from pipeline.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    OverridesOption,
    WorkspaceOption,
)
from pipeline.workspace import Workspace, is_remote
from serving.attention_table import format_attention_table
from serving.local_model import LocalModel
from serving.model_directory import SAVED_MODEL_FILE, list_versions
from serving.parallel_translation import WorkerError, translate_in_parallel
from serving.saved_model import ModelCallError, ModelLoadError
from serving.translation import Translation

_STANDARD_INPUT = "-"
_BATCHES_PER_CHUNK = 16
"""Enough lines at once to batch those of similar length, few enough to show progress."""
_LINE_BREAKS = re.compile(r"[\r\n]+")
_NOTHING = Translation(
    text="",
    score=0.0,
    source_tokens=(),
    target_tokens=(),
    attention=np.zeros((0, 0), np.float32),
    truncated=False,
)

Chunks = Iterable[Sequence[str]]
Translated = Generator[list[Translation], None, None]
"""The translations of each chunk, in the order of the chunks."""
Render = Callable[[str, Translation], Iterable[str]]
"""The lines that a text and its translation become."""


def translate(
    texts: Annotated[
        list[str] | None,
        typer.Argument(help="Texts to translate; without any, or with -, standard input."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="An exported model, or a folder of versions."),
    ] = None,
    version: Annotated[
        int | None, typer.Option(metavar="N", help="A version other than the live one.")
    ] = None,
    input_file: Annotated[
        str | None, typer.Option("--input", metavar="FILE", help="Translate a file's lines.")
    ] = None,
    output_file: Annotated[
        str | None,
        typer.Option("--output", metavar="FILE", help="Write to a file, which appears whole."),
    ] = None,
    attention: Annotated[
        bool, typer.Option("--attention", help="Show where each target word came from.")
    ] = False,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="Show the attention of subwords instead of words.")
    ] = False,
    n_best: Annotated[
        bool,
        typer.Option("--n-best", help="All hypotheses: 'number ||| translation ||| score'."),
    ] = False,
    as_json: JsonOption = False,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Texts that go through the model at once.")
    ] = 32,
    workers: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Processes that translate, each with a copy of the model."
        ),
    ] = 1,
) -> None:
    """Translate text with the live model: one line of output for each line of input."""
    if texts and input_file is not None:
        raise UserError("Give texts as arguments or a file with --input, not both.")
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(_source_lines(texts, input_file))
        folder = _model_folder(config, overrides, workspace, model, version)
        output = stack.enter_context(_destination(output_file))
        render = _renderer(as_json, n_best, attention or tokens, by_words=not tokens)
        path = None if input_file == _STANDARD_INPUT else input_file
        is_hidden = output_file in (None, _STANDARD_INPUT)  # there, the lines show it themselves
        advance = stack.enter_context(shown_lines(path, hidden=is_hidden))

        translated = partial(_translated, folder, batch_size, workers, n_best)
        chunks = in_chunks(lines, batch_size * _BATCHES_PER_CHUNK)
        try:
            truncated = _translate_lines(translated, chunks, output, render, advance)
        except ModelLoadError as error:
            raise UserError(str(error)) from error
        except (ModelCallError, WorkerError) as error:
            raise RunFailedError(str(error)) from error
    if truncated:
        typer.echo(
            f"nmt: {truncated} of the texts or translations were cut at the model's limit.",
            err=True,
        )


def _translated(
    folder: str, batch_size: int, workers: int, n_best: bool, chunks: Chunks
) -> Translated:
    """Yields the translations of each chunk, by this process alone or by several others."""
    if workers > 1:
        yield from translate_in_parallel(
            folder, chunks, workers=workers, batch_size=batch_size, n_best=n_best
        )
        return
    model = LocalModel(folder, batch_size)
    for chunk in chunks:
        yield model.translate(chunk, n_best=n_best)


def _translate_lines(
    translated: Callable[[Chunks], Translated],
    chunks: Iterable[list[str]],
    output: TextIO,
    render: Render,
    advance: Callable[[int], None],
) -> int:
    """Translates lines chunk by chunk and returns how many were cut."""
    read: deque[list[str]] = deque()

    def to_translate() -> Iterator[list[str]]:
        for chunk in chunks:
            read.append(chunk)
            yield [text for text in chunk if text.strip()]

    truncated = 0
    with contextlib.closing(translated(to_translate())) as answers:
        for answer in answers:
            chunk, translations = read.popleft(), iter(answer)
            for text in chunk:
                translation = next(translations) if text.strip() else _NOTHING
                truncated += translation.truncated
                output.writelines(line + "\n" for line in render(text, translation))
            output.flush()
            advance(len(chunk))
    return truncated


@contextlib.contextmanager
def _source_lines(texts: list[str] | None, input_file: str | None) -> Iterator[Iterable[str]]:
    """Opens what is to be translated."""
    if input_file not in (None, _STANDARD_INPUT):
        with _open_input(str(input_file)) as file:
            yield read_lines(file)
    elif texts and texts != [_STANDARD_INPUT]:
        # An argument that is not UTF-8 reaches Python with surrogates for its bytes.
        yield [
            text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")
            for text in texts
        ]
    elif sys.stdin is None or (not texts and input_file is None and sys.stdin.isatty()):
        raise UserError(
            'Nothing to translate: give a text, as in `nmt translate "Good morning."`, '
            "or --input FILE, or text on standard input."
        )
    else:
        yield read_lines(sys.stdin.buffer)


def _open_input(path: str) -> BinaryIO:
    try:
        return open(path, "rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path!r} cannot be read ({reason}): give another --input.") from error


@contextlib.contextmanager
def _destination(output_file: str | None) -> Iterator[TextIO]:
    """Opens where translations go."""
    if output_file in (None, _STANDARD_INPUT):
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A terminal without Unicode shall show question marks, not a traceback.
            sys.stdout.reconfigure(errors="replace")
        yield sys.stdout
        return
    folder = os.path.dirname(os.path.realpath(str(output_file)))
    if os.path.isdir(str(output_file)) or not os.path.isdir(folder):
        raise UserError(f"{output_file!r} cannot be written: name a file in an existing folder.")
    with written_whole(str(output_file)) as file:
        yield file


def _model_folder(
    config: str,
    overrides: list[str] | None,
    workspace: str | None,
    model: str | None,
    version: int | None,
) -> str:
    """Finds the folder of the export: that of `--model`, or the live or named version."""
    if model is not None:
        if version is None and (
            is_remote(model) or os.path.isfile(os.path.join(model, SAVED_MODEL_FILE))
        ):
            return model
        versions, advice = model, "give the folder of an exported model with --model"
    else:
        name = load_config(config, overrides or ()).name
        versions = Workspace.resolve(workspace).models(name)
        advice = f"train one with `nmt run --config {config}` first"
    if is_remote(versions):
        raise UserError(f"{versions} is remote: give the folder of one version with --model.")
    found = list_versions(versions)
    complete = {each.number: each.path for each in found if each.complete}
    if not complete:
        broken = "".join(f"; version {each.number}: {each.problem}" for each in found)
        raise UserError(f"There is no model in {versions}{broken}: {advice}.")
    if version is None:
        return complete[max(complete)]
    if version not in complete:
        known = ", ".join(map(str, sorted(complete)))
        raise UserError(f"There is no version {version} in {versions}; it holds {known}.")
    return complete[version]


def _renderer(as_json: bool, n_best: bool, with_table: bool, *, by_words: bool) -> Render:
    """Chooses how an answer is written."""
    if as_json:
        return lambda text, translation: [_as_json(text, translation)]
    number = 0

    def render(text: str, translation: Translation) -> Iterator[str]:
        nonlocal number
        if n_best:
            for hypothesis in translation.n_best or (translation,):
                yield f"{number} ||| {_one_line(hypothesis.text)} ||| {hypothesis.score:.6f}"
        else:
            yield _one_line(translation.text)
        number += 1
        if with_table and (table := format_attention_table(translation, words=by_words)):
            yield f"\n{table}\n"

    return render


def _one_line(text: str) -> str:
    return _LINE_BREAKS.sub(" ", text)


def _as_json(text: str, translation: Translation) -> str:
    answer = {"source": text, **_fields(translation)}
    if translation.n_best:
        answer["n_best"] = [_fields(hypothesis) for hypothesis in translation.n_best]
    return json.dumps(answer, ensure_ascii=False, allow_nan=False)


def _fields(translation: Translation) -> dict[str, Any]:
    return {
        "translation": translation.text,
        "score": _number(translation.score),
        "truncated": translation.truncated,
        "source_tokens": translation.source_tokens,
        "target_tokens": translation.target_tokens,
        "attention": [
            [_number(weight) for weight in row] for row in translation.attention.tolist()
        ],
    }


def _number(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return round(value, 6) if math.isfinite(value) else None
