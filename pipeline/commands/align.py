"""`nmt align`: the word alignment of texts, in the format of fast_align and Moses."""

import contextlib
import json
from functools import partial
from typing import Annotated, Any, TextIO

import typer

from pipeline.commands.answer_lines import (
    answers,
    field,
    json_number,
    model_errors,
    require_uncut,
    shown_progress,
)
from pipeline.commands.chosen_model import ModelOptions, with_model_options
from pipeline.commands.options import (
    DEFAULT_BATCH_SIZE,
    BatchSizeOption,
    InputOption,
    JsonOption,
    OutputOption,
    TargetInputOption,
    TargetOption,
    TextsArgument,
)
from pipeline.commands.text_streams import Pair, destination, source_pairs
from serving.attention.alignment import align_words, as_pharaoh, as_soft_pharaoh, soft_links
from serving.attention.words import attention_of_words
from serving.contract.translation import Translation
from text.words import Unit, needs_segmentation, split_text

_NOTHING_TO_DO = (
    'Nothing to align: give a text, as in `nmt align "Good morning."`, or --input FILE, or text on '
    "standard input; add your own translation with --target or --target-input."
)
_SEGMENTED = {
    "words": "words in scripts without spaces are those of ICU; --json lists them, and "
    "--by characters counts characters instead",
    "characters": "each character of a script without spaces counts as a word",
}


@with_model_options
def align(
    texts: TextsArgument = None,
    targets: TargetOption = None,
    *,
    options: ModelOptions,
    input_file: InputOption = None,
    target_file: TargetInputOption = None,
    output_file: OutputOption = None,
    soft: Annotated[
        bool, typer.Option("--soft", help="Write all weights: '0-0:0.93', in JSON a table.")
    ] = False,
    mutual: Annotated[
        bool,
        typer.Option(
            "--mutual", help="Prefer source words with little attention from other target words."
        ),
    ] = False,
    unit: Annotated[
        Unit,
        typer.Option("--by", help="What to align in scripts without spaces, such as Chinese."),
    ] = "words",
    as_json: JsonOption = False,
    batch_size: BatchSizeOption = DEFAULT_BATCH_SIZE,
) -> None:
    """Align texts with their translations, word by word: '0-0 1-2' for each line.

    The numbers count words from 0, source first. Words stand between white space; in scripts
    without spaces, they are those of ICU.

    Without --target the live model translates: 'translation ||| 0-0 1-2', with a space between all
    words.
    """
    with contextlib.ExitStack() as stack:
        pairs = stack.enter_context(
            source_pairs(texts, targets, input_file, target_file, _NOTHING_TO_DO)
        )
        chosen = options.choose()
        output = stack.enter_context(destination(output_file))
        advance = stack.enter_context(shown_progress(input_file, output_file))
        stack.enter_context(model_errors())
        model = stack.enter_context(chosen.open(batch_size))

        cut: list[int] = []
        is_segmented = False
        line_of = _as_json if as_json else partial(_as_line, output=output)
        render = partial(line_of, soft=soft, mutual=mutual, unit=unit)
        answered = answers(model, pairs, batch_size, advance)
        for line, (pair, translation) in enumerate(answered, start=1):
            cut += [line] if translation is not None and translation.truncated else []
            if translation is not None:
                is_segmented |= needs_segmentation(pair.source + translation.text)
            output.write(render(pair, translation) + "\n")
    if is_segmented:
        typer.echo(f"nmt: {_SEGMENTED[unit]}.", err=True)
    require_uncut(cut)


def _as_line(
    pair: Pair,
    translation: Translation | None,
    *,
    output: TextIO,
    soft: bool,
    mutual: bool,
    unit: Unit,
) -> str:
    if translation is None:
        return ""
    words = attention_of_words(pair.source, translation, unit=unit)
    links = (
        as_soft_pharaoh(soft_links(words))
        if soft
        else as_pharaoh(align_words(words, mutual=mutual))
    )
    if pair.target is not None:
        return links
    text = translation.text
    # The numbers must fit the words on the screen.
    shown = " ".join(words.target_words) if needs_segmentation(text) else text
    return f"{field(shown, output)} ||| {links}"


def _as_json(
    pair: Pair, translation: Translation | None, *, soft: bool, mutual: bool, unit: Unit
) -> str:
    answer: dict[str, Any] = {"source": pair.source, "target": pair.target or ""}
    if translation is None:
        sides = {"source_words": pair.source, "target_words": answer["target"]}
        answer |= {name: split_text(text, unit) for name, text in sides.items()}
        answer |= {"alignment": [], "truncated": False}
        return json.dumps(answer, ensure_ascii=False)
    words = attention_of_words(pair.source, translation, unit=unit)
    answer |= {
        "target": translation.text,
        "source_words": words.source_words,
        "target_words": words.target_words,
        "alignment": align_words(words, mutual=mutual),
        "truncated": translation.truncated,
    }
    if soft:
        answer["weights"] = [list(map(json_number, row)) for row in words.attention.tolist()]
        answer["end_weights"] = list(map(json_number, words.on_end.tolist()))
    return json.dumps(answer, ensure_ascii=False, allow_nan=False)
