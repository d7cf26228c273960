"""`nmt compile`: the pipeline as a file for Kubeflow Pipelines."""

import logging
import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.line_files import written_whole
from pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, OverridesOption, WorkspaceOption
from pipeline.config.settings import PipelineConfig, load_config
from pipeline.config.slice_features import check_slice_features
from pipeline.corpora.folder import INFORMATION_FILE, read_information
from pipeline.corpora.information import CorpusInfo
from pipeline.corpora.spans import has_spans
from pipeline.errors import UserError
from pipeline.workspace import Workspace, is_remote
from serving.local.tensorflow_library import import_tensorflow

_FILE = "pipeline.yaml"


def compile_(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="The file, .yaml or .yml.")
    ] = _FILE,
    any_corpus: Annotated[
        bool,
        typer.Option(
            "--any-corpus",
            help="Read the corpus anew in every run, instead of requiring today's corpus.",
        ),
    ] = False,
) -> None:
    """Compile the pipeline for Kubeflow Pipelines 2.x."""
    settings = load_config(config, overrides or (), workspace)
    _check_output(output)
    corpus = None if any_corpus else _known_corpus(settings, Workspace.resolve(workspace))
    checksum, facts = (corpus.checksum, corpus.facts) if corpus else ("", None)
    # Imported late: TFX takes half a minute, and a wrong key shall fail at once.
    import_tensorflow()  # without its log lines
    logging.getLogger().setLevel(logging.ERROR)
    from pipeline.kubeflow.compiler import as_yaml, compile_pipeline

    text = as_yaml(compile_pipeline(settings, checksum, facts))
    with written_whole(output) as file:
        file.write(text)
    meant = f"the corpus of checksum {checksum[:12]}" if checksum else "any corpus"
    typer.echo(f"{output}: the pipeline {settings.name}, for {meant}.")
    typer.echo(f"Next: nmt submit {shlex.quote(output)} --host http://localhost:8080")


def _check_output(output: str) -> None:
    folder = os.path.dirname(os.path.abspath(output))
    if not output.endswith((".yaml", ".yml")):
        raise UserError(
            f"{output!r} must end in .yaml or .yml: Kubeflow Pipelines recognises the file by its "
            "ending."
        )
    if os.path.isdir(output) or not os.path.isdir(folder):
        raise UserError(f"{output!r} cannot be written: name a file in an existing folder.")


def _known_corpus(config: PipelineConfig, workspace: Workspace) -> CorpusInfo | None:
    """Returns the corpus if this machine has a copy of it, else None.

    Also returns None for a corpus with spans: the checksum of `corpus.json` does not cover them.
    """
    folder = workspace.corpus(config.data.corpus)
    if is_remote(folder) or not os.path.exists(os.path.join(folder, INFORMATION_FILE)):
        return None
    corpus = read_information(Path(folder))
    check_slice_features(config, corpus)
    return None if has_spans(Path(folder)) else corpus
