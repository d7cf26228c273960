"""`nmt translate`: translates text with the live model, without TFX."""

import contextlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Annotated, Any, TextIO

import numpy as np
import typer

from pipeline.commands.answer_lines import (
    BATCHES_PER_CHUNK,
    DoubtfulLines,
    field,
    json_number,
    model_errors,
    one_line,
    require_uncut,
    shown_progress,
)
from pipeline.commands.bulk import Chunks, Translated, translate_chunks
from pipeline.commands.chosen_model import (
    ChosenModel,
    ModelOptions,
    refuse_with_server,
    with_model_options,
)
from pipeline.commands.line_files import in_chunks
from pipeline.commands.options import (
    DEFAULT_BATCH_SIZE,
    BatchSizeOption,
    GlossaryOption,
    InputOption,
    JsonOption,
    OutputOption,
    WorkersOption,
)
from pipeline.commands.text_streams import destination, source_lines
from pipeline.commands.translate_files import (
    check_file_options,
    chosen_file_format,
    translate_file,
)
from pipeline.errors import UserError
from serving.contract.translation import Sentence, Translation
from serving.heatmap.matrix import make_heatmap
from serving.heatmap.terminal import attention_table
from text.glossary import Glossary

_NOTHING_TO_DO = (
    'Nothing to translate: give a text, as in `nmt translate "Good morning."`, '
    "or --input FILE, or text on standard input."
)
_NOTHING = Translation(
    text="",
    score=0.0,
    source_tokens=(),
    target_tokens=(),
    attention=np.zeros((0, 0), np.float32),
    truncated=False,
)

Render = Callable[[str, Translation], Iterable[str]]
"""Returns the lines of output for a text and its translation."""


@with_model_options
def translate(
    texts: Annotated[
        list[str] | None,
        typer.Argument(help="Texts to translate; without any, or with -, standard input."),
    ] = None,
    *,
    options: ModelOptions,
    input_file: InputOption = None,
    output_file: OutputOption = None,
    attention: Annotated[
        bool, typer.Option("--attention", help="Show the attention of each target word.")
    ] = False,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="Show the attention of subwords instead of words.")
    ] = False,
    n_best: Annotated[
        bool,
        typer.Option("--n-best", help="All hypotheses: 'number ||| translation ||| score'."),
    ] = False,
    as_json: JsonOption = False,
    fuzzy: Annotated[
        bool, typer.Option("--fuzzy", help="In PO, XLIFF and the like: fill fuzzy entries, too.")
    ] = False,
    file_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="ENDING",
            help="The format of --input if its name does not tell: po, xlf, ..., or lines.",
        ),
    ] = None,
    glossary_file: GlossaryOption = None,
    batch_size: BatchSizeOption = DEFAULT_BATCH_SIZE,
    workers: WorkersOption = 1,
) -> None:
    """Translate text with the live model: one line of output for each line of input.

    In files of translators' tools, such as PO and XLIFF, the empty entries are filled.
    """
    refuse_with_server(options.server, workers=workers > 1)
    translated: Callable[[ChosenModel, Chunks], Translated] = partial(
        translate_chunks,
        batch_size=batch_size,
        workers=workers,
        n_best=n_best,
        glossary=None if glossary_file is None else Glossary.read(glossary_file),
    )
    form = chosen_file_format(texts, input_file, file_format)
    if form is not None and input_file is not None:
        lines_only = {"attention": attention, "tokens": tokens, "n-best": n_best, "json": as_json}
        check_file_options(form, lines_only, fuzzy)
        translate_file(form, input_file, output_file, options, translated, batch_size, fuzzy)
        return
    if fuzzy:
        raise UserError("--fuzzy is for files such as PO and XLIFF: give one with --input.")
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(source_lines(texts, input_file, _NOTHING_TO_DO))
        chosen = options.choose()
        output = stack.enter_context(destination(output_file))
        table = partial(_table, output, tokens) if attention or tokens else None
        render = _renderer(as_json, n_best, table, output)
        advance = stack.enter_context(shown_progress(input_file, output_file))
        stack.enter_context(model_errors())

        chunks = in_chunks(lines, batch_size * BATCHES_PER_CHUNK)
        cut, doubtful = _translate_lines(
            partial(translated, chosen), chunks, output, render, advance
        )
    doubtful.show()
    require_uncut(cut)


def _translate_lines(
    translated: Callable[[Chunks], Translated],
    chunks: Iterable[list[str]],
    output: TextIO,
    render: Render,
    advance: Callable[[int], None],
) -> tuple[list[int], DoubtfulLines]:
    """Translates lines chunk by chunk and returns the cut and the doubtful ones."""
    read: deque[list[str]] = deque()

    def to_translate() -> Iterator[list[str]]:
        for chunk in chunks:
            read.append(chunk)
            yield [text for text in chunk if text.strip()]

    cut, doubtful, line = [], DoubtfulLines(), 0
    with contextlib.closing(translated(to_translate())) as answers:
        for answer in answers:
            chunk, translations = read.popleft(), iter(answer)
            for text in chunk:
                translation = next(translations) if text.strip() else _NOTHING
                line += 1
                cut += [line] if translation.truncated else []
                doubtful.add(line, translation.warnings)
                output.writelines(each + "\n" for each in render(text, translation))
            output.flush()
            advance(len(chunk))
    return cut, doubtful


def _table(output: TextIO, tokens: bool, text: str, translation: Translation) -> Iterable[str]:
    """Renders the attention table between blank lines; nothing for an empty translation."""
    drawn = attention_table(make_heatmap(text, translation, tokens=tokens), output)
    return [f"\n{drawn}"] if drawn else []


def _renderer(as_json: bool, n_best: bool, table: Render | None, output: TextIO) -> Render:
    """Chooses the output format of a translation."""
    if as_json:
        return lambda text, translation: [_as_json(text, translation)]
    number = 0

    def render(text: str, translation: Translation) -> Iterator[str]:
        nonlocal number
        if n_best:
            for hypothesis in translation.n_best or (translation,):
                yield f"{number} ||| {field(hypothesis.text, output)} ||| {hypothesis.score:.6f}"
        else:
            yield one_line(translation.text)
        number += 1
        if table is not None:
            yield from table(text, translation)

    return render


def _as_json(text: str, translation: Translation) -> str:
    answer = {"source": text, **_fields(translation), "warnings": translation.warnings}
    if translation.n_best:
        answer["n_best"] = [_fields(hypothesis) for hypothesis in translation.n_best]
    if len(translation.sentences) > 1:
        answer["sentences"] = [_sentence(each) for each in translation.sentences]
    return json.dumps(answer, ensure_ascii=False, allow_nan=False)


def _sentence(sentence: Sentence) -> dict[str, Any]:
    """Leaves out the attention, a block of the whole text's."""
    translation = sentence.translation
    answer: dict[str, Any] = {"source": sentence.source, **_result(translation)}
    if translation.n_best:
        answer["n_best"] = list(map(_result, translation.n_best))
    return answer


def _result(translation: Translation) -> dict[str, Any]:
    return {
        "translation": translation.text,
        "score": json_number(translation.score),
        "truncated": translation.truncated,
    }


def _fields(translation: Translation) -> dict[str, Any]:
    return {
        **_result(translation),
        "source_tokens": translation.source_tokens,
        "target_tokens": translation.target_tokens,
        "attention": [
            [json_number(weight) for weight in row] for row in translation.attention.tolist()
        ],
    }
