"""`nmt corpus review`: the training pairs that a trained model finds most doubtful."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, TextIO

import typer

from pipeline.commands.answer_lines import BATCHES_PER_CHUNK, json_number, model_errors
from pipeline.commands.chosen_model import Model, ModelOptions, with_model_options
from pipeline.commands.exported_model import find_model
from pipeline.commands.line_files import in_chunks, write_whole
from pipeline.commands.options import DEFAULT_BATCH_SIZE, BatchSizeOption, JsonOption
from pipeline.commands.text_streams import destination, require_writable
from pipeline.config.settings import load_config
from pipeline.corpora.display import shown_progress
from pipeline.corpora.doubtful import (
    DoubtfulPair,
    cross_entropy,
    dual_cross_entropy,
    most_doubtful,
)
from pipeline.corpora.folder import load_corpus
from pipeline.corpora.information import CorpusInfo, Split
from pipeline.corpora.progress import Progress
from pipeline.corpora.spans import NumberedPair, read_numbered
from pipeline.errors import UserError
from pipeline.workspace import Workspace, is_remote
from serving.heatmap.matrix import make_heatmap
from serving.heatmap.page import colour_rules
from serving.html.templates import render
from serving.local.model import LocalModel, read_languages
from text.direction import isolate_words
from text.visible import visible

_MOST_TOKENS = 60
"""On either side of a pair whose attention is drawn; larger heatmaps cannot be read."""


@with_model_options
def review(
    count: Annotated[int, typer.Option("--count", min=1, help="Number of pairs to show.")] = 100,
    split: Annotated[Split, typer.Option("--split", help="Which pairs to judge.")] = "train",
    reverse: Annotated[
        str | None,
        typer.Option(
            "--reverse",
            metavar="CONFIG",
            help="A configuration of the other direction; its live model judges as well.",
        ),
    ] = None,
    output_file: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="An .html file, with attention."),
    ] = None,
    *,
    options: ModelOptions,
    as_json: JsonOption = False,
    batch_size: BatchSizeOption = DEFAULT_BATCH_SIZE,
) -> None:
    """Show the pairs of the corpus that the live model finds least probable: wrong, or rare.

    The number is the cross-entropy of the translation, in nats a subword. With --reverse it is the
    dual cross-entropy, which also rises if the two models disagree.
    """
    if output_file is not None:
        if os.path.splitext(output_file)[1].lower() != ".html":
            raise UserError(f"{output_file!r} does not end with .html: the review is a web page.")
        require_writable(output_file)
    corpus, folder = _corpus(options)
    chosen = options.choose()
    with contextlib.ExitStack() as stack:
        stack.enter_context(model_errors())
        other = _reverse_model(reverse, options.workspace, corpus, batch_size)
        model = stack.enter_context(chosen.open(batch_size))
        progress = stack.enter_context(shown_progress())
        pairs = _counted(read_numbered(folder, split), corpus.counts[split], progress)
        found = most_doubtful(_doubts(pairs, model, other, batch_size), count)
    if output_file is not None:
        write_whole(output_file, _page(found, corpus, reverse is not None).encode("utf-8"))
    with destination(None) as output:
        _print(found, as_json, output)


def _corpus(options: ModelOptions) -> tuple[CorpusInfo, Path]:
    """Returns the corpus of the configuration, and its folder."""
    name = load_config(options.config, options.overrides or (), options.workspace).data.corpus
    folder = Workspace.resolve(options.workspace).corpus(name)
    if is_remote(folder):
        raise UserError(f"{folder} is remote: copy the corpus to this machine to review it.")
    return load_corpus(Path(folder)), Path(folder)


def _reverse_model(
    reverse: str | None, workspace: str | None, corpus: CorpusInfo, batch_size: int
) -> LocalModel | None:
    if reverse is None:
        return None
    folder = find_model(reverse, None, workspace, None, None)
    wanted = (corpus.target_language, corpus.source_language)
    if (languages := read_languages(folder)) != wanted:
        raise UserError(
            f"--reverse {reverse}: its model translates {' to '.join(map(str, languages))}, not "
            f"{' to '.join(wanted)}."
        )
    return LocalModel(folder, batch_size)


def _counted(
    pairs: Iterator[NumberedPair], total: int, progress: Progress
) -> Iterator[NumberedPair]:
    for done, pair in enumerate(pairs):
        progress("Scoring pairs", done, total)
        yield pair


def _doubts(
    pairs: Iterator[NumberedPair], model: Model, other: Model | None, batch_size: int
) -> Iterator[DoubtfulPair]:
    """Yields the pairs with their doubt, without those that have a blank side."""
    whole = (pair for pair in pairs if pair.source.strip() and pair.target.strip())
    for chunk in in_chunks(whole, batch_size * BATCHES_PER_CHUNK, length=_characters):
        sources, targets = [each.source for each in chunk], [each.target for each in chunk]
        scored = model.score(sources, targets)
        doubts = [*map(cross_entropy, scored)]
        if other is not None:
            backward = map(cross_entropy, other.score(targets, sources))
            doubts = [*map(dual_cross_entropy, doubts, backward)]
        yield from map(DoubtfulPair, doubts, chunk, scored)


def _characters(pair: NumberedPair) -> int:
    return len(pair.source) + len(pair.target)


def _print(found: Sequence[DoubtfulPair], as_json: bool, output: TextIO) -> None:
    for each in found:
        pair = each.pair
        if as_json:
            answer = {"doubt": json_number(each.doubt), **dataclasses.asdict(pair)}
            output.write(json.dumps(answer, ensure_ascii=False) + "\n")
            continue
        lines = (f"{each.doubt:6.2f}  {pair.shard}, line {pair.line}", pair.source, pair.target)
        output.write(isolate_words(visible("\n        ".join(lines))) + "\n")


def _page(found: Sequence[DoubtfulPair], corpus: CorpusInfo, is_dual: bool) -> str:
    """Returns a web page of the pairs, with the attention of those that are not too long."""
    heatmaps = [
        make_heatmap(each.pair.source, each.scored)
        if max(len(each.scored.source_tokens), len(each.scored.target_tokens)) <= _MOST_TOKENS
        else None
        for each in found
    ]
    return render(
        "pipeline.commands",
        "review.html",
        corpus=corpus,
        pairs=[*zip(found, heatmaps, strict=True)],
        is_dual=is_dual,
        languages=(corpus.source_language, corpus.target_language),
        colours=colour_rules(heatmap for heatmap in heatmaps if heatmap is not None),
    )
