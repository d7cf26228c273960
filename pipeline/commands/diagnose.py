"""`nmt diagnose`: judges the attention over a whole corpus, and lists translations to read first.

`align` and `heatmap` show attention; this command judges it.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.commands.answer_lines import (
    answers,
    json_number,
    model_errors,
    one_line,
    require_uncut,
)
from pipeline.commands.chosen_model import ModelOptions, with_model_options
from pipeline.commands.line_progress import shown_lines
from pipeline.commands.options import (
    DEFAULT_BATCH_SIZE,
    BatchSizeOption,
    InputOption,
    JsonOption,
    TargetInputOption,
    TargetOption,
    TextsArgument,
)
from pipeline.commands.text_streams import STANDARD_STREAM, Pair, destination, source_pairs
from serving.attention.corpus_diagnostics import CorpusDiagnostics, Judged
from serving.attention.diagnostics import Pattern, diagnose_translation
from serving.contract.translation import Translation
from text.direction import isolate, isolate_words
from text.visible import visible

_NOTHING_TO_DO = (
    "Nothing to diagnose: give a file of texts with --input, or texts as arguments or on standard "
    "input."
)
_MEANINGS = {
    Pattern.DIAGONAL: "word by word, in order",
    Pattern.SPREAD: "many source words at once",
    Pattern.REORDERING: "few source words, in another order",
    Pattern.SPURIOUS: "punctuation, the end, or one word all the time",
}


@with_model_options
def diagnose(
    texts: TextsArgument = None,
    targets: TargetOption = None,
    *,
    options: ModelOptions,
    input_file: InputOption = None,
    target_file: TargetInputOption = None,
    output_file: Annotated[
        str | None,
        typer.Option(
            "--output", metavar="FILE", help="Also write each line's diagnosis to a file, in JSON."
        ),
    ] = None,
    top: Annotated[
        int, typer.Option("--top", min=0, metavar="N", help="Number of sentences to list.")
    ] = 10,
    as_json: JsonOption = False,
    batch_size: BatchSizeOption = DEFAULT_BATCH_SIZE,
) -> None:
    """Judge a corpus by the attention of its translations, and list those to read first.

    A source word never looked at may be missing in the translation, and one looked at again may be
    translated twice.
    """
    with contextlib.ExitStack() as stack:
        pairs = stack.enter_context(
            source_pairs(texts, targets, input_file, target_file, _NOTHING_TO_DO)
        )
        chosen = options.choose()
        each_line = stack.enter_context(destination(output_file)) if output_file else None
        shown = stack.enter_context(destination(None))
        # Results appear only at the end, so a bar cannot mix with them, even on a terminal.
        advance = stack.enter_context(
            shown_lines(None if input_file == STANDARD_STREAM else input_file)
        )
        stack.enter_context(model_errors())
        model = stack.enter_context(chosen.open(batch_size))

        corpus, cut = CorpusDiagnostics(), list[int]()
        for line, judged in _judged(answers(model, pairs, batch_size, advance)):
            if judged:
                corpus.add(judged)
                cut += [line] if judged.truncated else []
            if each_line:
                each_line.write(json.dumps(_as_json(line, judged), ensure_ascii=False) + "\n")
    if as_json:
        shown.write(json.dumps(_summary(corpus, top), ensure_ascii=False, indent=2) + "\n")
    else:
        _print(corpus, top, shown)
    require_uncut(cut)


def _judged(
    answered: Iterable[tuple[Pair, Translation | None]],
) -> Iterator[tuple[int, Judged | None]]:
    """Judges each line of a corpus; yields None for lines without words."""
    for line, (pair, translation) in enumerate(answered, start=1):
        diagnosis = diagnose_translation(pair.source, translation) if translation else None
        if translation is None or diagnosis is None:
            yield line, None
            continue
        yield (
            line,
            Judged(
                line=line,
                source=pair.source,
                translation=translation.text,
                score=translation.score,
                truncated=translation.truncated,
                diagnosis=diagnosis,
            ),
        )


def _print(corpus: CorpusDiagnostics, top: int, output: TextIO) -> None:
    console = Console(file=output, highlight=False)
    table = Table("pattern", "sentences", "share", "target words attend to", box=None)
    for column in (1, 2):
        table.columns[column].justify = "right"
    for pattern, share in corpus.shares().items():
        table.add_row(pattern, f"{corpus.sentences[pattern]:,}", f"{share:.1%}", _MEANINGS[pattern])
    console.print(table)
    for judged in corpus.worth_reading(top):
        text = Text(f"\nline {judged.line}, score {judged.score:.2f}: ", style="bold")
        text.append(isolate_words(visible("; ".join(judged.findings))), style="not bold")
        for side in (judged.source, judged.translation):
            text.append(f"\n  {isolate(visible(one_line(side)))}", "not bold")
        console.print(text, soft_wrap=True)


def _summary(corpus: CorpusDiagnostics, top: int) -> dict[str, Any]:
    return {
        "sentences": corpus.sentences.total(),
        "patterns": {
            pattern: {"sentences": corpus.sentences[pattern], "share": json_number(share)}
            for pattern, share in corpus.shares().items()
        },
        "worth_reading": [_as_json(judged.line, judged) for judged in corpus.worth_reading(top)],
    }


def _as_json(line: int, judged: Judged | None) -> dict[str, Any]:
    """Returns the diagnosis of a line for JSON; only the number for a line without words."""
    if judged is None:
        return {"line": line, "pattern": None}
    diagnosis = judged.diagnosis
    return {
        "line": line,
        "source": judged.source,
        "translation": judged.translation,
        "score": json_number(judged.score),
        "truncated": judged.truncated,
        "pattern": diagnosis.pattern,
        **{
            name: json_number(value) if isinstance(value, float) else value
            for name, value in asdict(diagnosis.measures).items()
        },
        "never_looked_at": diagnosis.never_looked_at,
        "looked_at_again": diagnosis.looked_at_again,
    }
