"""Runs a pipeline on the chosen engine and reads its results."""

import importlib
import json
import logging
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx.utils import path_utils

from components.atomic_pusher import REASON_KEY
from components.gate.evaluation_reader import read_recorded_verdict
from components.gate.verdict import Verdict
from components.gate.verdict_text import format_verdict
from components.model_report import REPORT_FILE
from components.serving_validator import BLESSED_FILE
from components.serving_validator import REPORT_FILE as SERVING_REPORT_FILE
from pipeline.config.settings import PipelineConfig
from pipeline.errors import RunFailedError
from pipeline.failures import own_cause
from pipeline.next_command import next_command
from pipeline.pipeline import Places, create_pipeline, model_record
from pipeline.running.artifact_files import record_files, require_undamaged
from pipeline.running.log import RunScreen
from pipeline.running.lost_pushes import forget_lost_pushes
from pipeline.running.record import Node, open_store, read_latest_run
from pipeline.running.summary import Summary
from pipeline.warm_start import resolve_warm_start
from pipeline.workspace import Workspace
from serving.versions.directory import fingerprint, live_version


def execute(
    config: PipelineConfig,
    workspace: Workspace,
    corpus_checksum: str,
    corpus_facts: Mapping[str, Any] | None = None,
    *,
    runner: str,
    log: str,
    screen: RunScreen,
) -> Summary:
    """Runs the pipeline of a configuration.

    Args:
      config: the configuration of the run.
      workspace: the workspace of the run; the corpus must be in it.
      corpus_checksum: the checksum of the corpus.
      corpus_facts: facts about the corpus for the model card (`CorpusInfo.facts`).
      runner: `local` or `beam`.
      log: the file with the output, named in errors.
      screen: shows the progress; receives the names of the nodes.

    Raises:
      UserError: the configuration requires a warm start, or names a model, and there is none.
      RunFailedError: a node failed. If the cause is a typed error of our packages, the cause itself
        is raised instead.
    """
    started = time.monotonic()
    places = Places(
        corpus=workspace.corpus(config.data.corpus),
        pipeline_root=workspace.pipeline_root(config.name),
        serving_directory=workspace.models(config.name),
        metadata=workspace.metadata,
    )
    record = model_record(config, corpus_checksum, corpus_facts)
    warm_start = resolve_warm_start(config, workspace.models, record, screen.show)
    pipeline = create_pipeline(config, places, corpus_checksum, corpus_facts, warm_start)
    nodes = [component.id for component in pipeline.components]
    screen.expect(nodes)
    forget_lost_pushes(open_store(workspace.metadata), places.pipeline_root)
    require_undamaged(places.pipeline_root)
    try:
        importlib.import_module(f"pipeline.running.{runner}_runner").run(pipeline)
    except Exception as error:
        # By the root logger: its traceback goes to the log, but not to the screen.
        logging.getLogger().error("The run failed.", exc_info=error)
        cause = own_cause(error)
        if cause is not None:
            raise cause from error
        raise RunFailedError(
            f"The run failed ({_short(error)}); all output is in {log}."
        ) from error
    finally:
        record_files(open_store(workspace.metadata), config.name, places.pipeline_root)
    return _summarise(config, workspace, log, len(nodes), time.monotonic() - started)


def _summarise(
    config: PipelineConfig, workspace: Workspace, log: str, nodes: int, seconds: float
) -> Summary:
    """Reads the results of the newest run from ML Metadata and its artifacts."""
    run = read_latest_run(open_store(workspace.metadata), config.name)
    verdict = read_recorded_verdict(run["Evaluator"].outputs["evaluation"][0].uri)
    blessing = run["ServingValidator"].outputs["blessing"][0].uri
    report = json.loads(Path(blessing, SERVING_REPORT_FILE).read_text(encoding="utf-8"))
    is_servable = os.path.exists(os.path.join(blessing, BLESSED_FILE))
    export = path_utils.serving_model_dir(run["Trainer"].outputs["model"][0].uri)
    pushed_to, not_pushed = _pushed_to(run["Pusher"])
    live = live_version(workspace.models(config.name))
    # Compared by content, because a rollback gives the same model another version.
    is_live = live is not None and fingerprint(live.path) == fingerprint(export)
    return Summary(
        pipeline=config.name,
        verdict=verdict,
        is_servable=is_servable,
        serving_problems=[
            f"{found['request']}: {found['problem']}" for found in report["problems"]
        ],
        export=export,
        pushed_to=live.path if live is not None and is_live else pushed_to,
        not_pushed=None if is_live else not_pushed,
        is_live=is_live and verdict.blessed and is_servable,
        cached_nodes=sum(node.is_cached for node in run.values()),
        nodes=nodes,
        seconds=seconds,
        log=log,
        report=_write_verdict(verdict, workspace.reports(config.name)),
        html_report=_copy_report(run["ModelReport"], workspace.reports(config.name)),
        next_command=next_command(
            "translate" if verdict.blessed else "models list",
            config.name,
            workspace,
            '--attention "The cat is on the mat."' if verdict.blessed else "",
        ),
    )


def _write_verdict(verdict: Verdict, folder: str) -> str:
    """Writes the verdict of the latest run as JSON and as text; returns the path of the text."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    path.joinpath("verdict.json").write_text(verdict.model_dump_json(indent=2) + "\n", "utf-8")
    readable = path / "verdict.txt"
    readable.write_text(format_verdict(verdict) + "\n", encoding="utf-8")
    return str(readable)


def _copy_report(model_report: Node, folder: str) -> str:
    """Copies the report of the latest run to the folder of reports; returns the path."""
    path = os.path.join(folder, REPORT_FILE)
    shutil.copyfile(os.path.join(model_report.outputs["report"][0].uri, REPORT_FILE), path)
    return path


def _short(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


def _pushed_to(pusher: Node) -> tuple[str | None, str | None]:
    """Returns the folder of the pushed version, or the reason why none was pushed."""
    properties = pusher.outputs["pushed_model"][0].custom_properties
    if "pushed" in properties and properties["pushed"].int_value:
        return properties["pushed_destination"].string_value, None
    return None, properties[REASON_KEY].string_value
