"""`nmt score`: the model's scores of given translations (forced decoding)."""

import contextlib
import json
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
from pipeline.errors import UserError
from serving.contract.translation import ScoredTranslation, Translation

_NOTHING_TO_DO = (
    'Nothing to score: give a text and its translation, as in `nmt score "Good morning." --target '
    '"Guten Morgen."`, or two files with --input and --target-input.'
)


@with_model_options
def score(
    texts: TextsArgument = None,
    targets: TargetOption = None,
    *,
    options: ModelOptions,
    input_file: InputOption = None,
    target_file: TargetInputOption = None,
    output_file: OutputOption = None,
    tokens: Annotated[
        bool,
        typer.Option("--tokens", help="Add each token and its log-probability: '||| ▁Guten -0.12'"),
    ] = False,
    as_json: JsonOption = False,
    batch_size: BatchSizeOption = DEFAULT_BATCH_SIZE,
) -> None:
    """Score your own translations: the higher the score, the more probable the translation.

    The score is the logarithm of the probability, divided by the model's length penalty.
    """
    if not targets and target_file is None:
        raise UserError(_NOTHING_TO_DO)
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
        answered = answers(model, pairs, batch_size, advance)
        for line, (pair, scored) in enumerate(answered, start=1):
            cut += [line] if scored is not None and scored.truncated else []
            shown = _as_json(pair, scored) if as_json else _as_line(scored, tokens, output)
            output.write(shown + "\n")
    require_uncut(cut)


def _as_line(scored: Translation | None, tokens: bool, output: TextIO) -> str:
    if not isinstance(scored, ScoredTranslation):
        return ""
    line = f"{scored.score:.6f}"
    if not tokens:
        return line
    # No token holds white space: a space is written as U+2581, other white space is dropped.
    parts = zip(scored.target_tokens, scored.token_log_probability, strict=True)
    shown = (f"{field(token, output)} {probability:.4f}" for token, probability in parts)
    return " ".join([line, "|||", *shown])


def _as_json(pair: Pair, scored: Translation | None) -> str:
    answer: dict[str, Any] = {"source": pair.source, "target": pair.target, "score": None}
    if isinstance(scored, ScoredTranslation):
        each = scored.token_log_probability.tolist()
        answer |= {
            "score": json_number(scored.score),
            "log_probability": json_number(sum(each)),
            "tokens": scored.target_tokens,
            "token_log_probability": list(map(json_number, each)),
            "truncated": scored.truncated,
        }
    return json.dumps(answer, ensure_ascii=False, allow_nan=False)
