"""`nmt run`: prepares the corpus, runs the pipeline, prints the summary."""

import json
import os
from pathlib import Path

import typer

from pipeline.config.settings import PipelineConfig
from pipeline.config.slice_features import check_slice_features
from pipeline.corpora.catalogue import prepare_corpus
from pipeline.corpora.display import shown_progress
from pipeline.corpora.information import CorpusInfo
from pipeline.corpora.spans import Spans, read_spans
from pipeline.errors import UserError
from pipeline.memory import check_memory
from pipeline.running.lock import only_run
from pipeline.running.log import logged_run
from pipeline.running.metadata_file import is_history_lost, require_readable
from pipeline.running.shortage import shortage_named
from pipeline.running.summary import format_summary
from pipeline.running.temporary import own_temporary_folder
from pipeline.workspace import Workspace, require_writable
from text.languages import usual_tag
from text.visible import visible, visible_json


def run_pipeline(
    config: PipelineConfig, workspace: Workspace, *, runner: str, as_json: bool
) -> int:
    """Runs the whole pipeline. A missing corpus is made first, if it is a known one.

    Args:
      config: the configuration of the run.
      workspace: the workspace of the run.
      runner: `local` or `beam`.
      as_json: whether to print the summary as JSON.

    Returns:
      The exit status: 0 if the model is live, 1 if it was blocked.

    Raises:
      UserError: the workspace cannot be written, its metadata are damaged, or another run of this
        pipeline works in it; there is too little memory; the tokeniser of BLEU cannot be loaded;
        the corpus cannot be obtained or does not fit the configuration.
      RunFailedError: a node failed.
    """
    name = config.name
    require_writable(
        (
            workspace.root,
            workspace.pipeline_root(name),
            workspace.models(name),
            workspace.reports(name),
        ),
        "change its permissions, or choose another folder with --workspace",
    )
    require_readable(workspace.metadata)
    check_memory(lambda warning: typer.echo(f"nmt: {warning}", err=True))
    _require_tokeniser(config)
    corpus = _corpus(config, workspace)
    spans = read_spans(corpus, Path(workspace.corpus(config.data.corpus)), config.data.train_spans)
    log = os.path.join(workspace.pipeline_root(name), "run.log")
    with (
        shortage_named(workspace),
        only_run(workspace, name),
        own_temporary_folder(),
        logged_run(log) as screen,
    ):
        counts = ", ".join(f"{count:,} {split}" for split, count in corpus.counts.items())
        if is_history_lost(workspace.metadata, workspace.pipeline_root(name)):
            screen.show(
                f"{workspace.metadata} is missing or empty: the history of this workspace's "
                "runs is lost, and all nodes run anew."
            )
        screen.show(
            f"{name}: {corpus.source_language} to {corpus.target_language}, {counts} pairs"
            f"{_added(spans)}"
        )
        # Imported late: TFX takes half a minute, and its output belongs in the log.
        from pipeline.running.execution import execute

        summary = execute(
            config,
            workspace,
            spans.checksum,
            corpus.facts,
            runner=runner,
            log=log,
            screen=screen,
        )
    if as_json:
        typer.echo(visible_json(json.dumps(summary.as_json(), indent=2, ensure_ascii=False)))
    else:
        typer.echo(visible(format_summary(summary)))
    return 0 if summary.is_live else 1


def _added(spans: Spans) -> str:
    """Returns the part of the headline about spans; empty if there are none."""
    if not spans.numbers:
        return ""
    return f"; {spans.pairs:,} train pairs in spans, the newest span-{spans.numbers[-1]}"


def _require_tokeniser(config: PipelineConfig) -> None:
    """Raises UserError if sacreBLEU's tokeniser cannot be loaded, before the training does."""
    # Imported late: sacreBLEU takes a moment, and `nmt --help` does not need it.
    from trainer.translation_statistics import MissingTokeniserError, bleu_statistics

    try:
        bleu_statistics(config.scoring.tokeniser)
    except MissingTokeniserError as error:
        raise UserError(str(error)) from error


def _corpus(config: PipelineConfig, workspace: Workspace) -> CorpusInfo:
    """Returns the configuration's corpus, verified."""
    data = config.data
    with shown_progress() as progress:
        corpus = prepare_corpus(data.corpus, Path(workspace.root), progress=progress)
    languages = (corpus.source_language, corpus.target_language)
    wanted = (data.source_language, data.target_language)
    if [*map(usual_tag, languages)] != [*map(usual_tag, wanted)]:
        raise UserError(
            f"The corpus {data.corpus} is {' to '.join(languages)}, and the configuration says "
            f"{' to '.join(wanted)}: change data.source_language and "
            "data.target_language."
        )
    check_slice_features(config, corpus)
    return corpus
