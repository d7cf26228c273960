"""The history of a pipeline: the outcome of each run, and the rollbacks between the runs.

Runs are read from ML Metadata and the verdicts, rollbacks from the journal of the serving
directory.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from components.gate.verdict import BASELINE, CANDIDATE, OVERALL, Check, describe_check
from pipeline.history.times import format_time
from pipeline.running.record import Node, RunRecord, read_runs
from serving.versions.records import VersionRecord, read_records
from trainer.scoring import Metric

_UNSERVABLE = "the export cannot be served"


class Outcome(StrEnum):
    """The outcome of an event."""

    PUSHED = "pushed"
    BLOCKED = "blocked"
    NOT_PUSHED = "not pushed"
    """Blessed, but not pushed for another reason."""
    UNCHANGED = "unchanged"
    """The same results as in an earlier run, or a model already live."""
    FAILED = "failed"
    ROLLBACK = "rollback"


@dataclass(frozen=True)
class Event:
    """A run, or a rollback."""

    time: datetime
    """The start of the run, or the time of the rollback."""
    outcome: Outcome
    version: int | None = None
    """The version made live by the event."""
    metric: Metric = "bleu"
    """The metric that judged."""
    score: float | None = None
    """Score of the candidate on the test split."""
    floor: float | None = None
    """Lowest allowed score of the candidate."""
    live_score: float | None = None
    """Score of the live model, on the same sentences."""
    live_version: int | None = None
    """The baseline of the candidate; for a rollback, the restored version."""
    reasons: tuple[str, ...] = ()
    """The failed checks or other reasons, each in words."""
    run: str | None = None
    """The run's name in ML Metadata."""

    def as_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return asdict(self) | {
            "time": format_time(self.time),
            "outcome": str(self.outcome),
            "reasons": list(self.reasons),
        }


def read_history(store: MetadataStore, pipeline_name: str, serving_directory: str) -> list[Event]:
    """Reads all runs and rollbacks, oldest first.

    Args:
      store: the store of ML Metadata.
      pipeline_name: the `name` of the configuration.
      serving_directory: the folder of its versions, with the journal.

    Raises:
      DamagedRecordError: the journal cannot be read.
    """
    rollbacks = [
        _event_of_rollback(record)
        for record in read_records(serving_directory)
        if record.happened and record.action == "rollback"
    ]
    made_by_rollbacks = {event.version for event in rollbacks}
    runs = read_runs(store, pipeline_name)
    events = [*_events_of_runs(runs, made_by_rollbacks), *rollbacks]
    return sorted(events, key=lambda event: event.time)


def _event_of_rollback(record: VersionRecord) -> Event:
    replaced = "" if record.replaced is None else f" instead of {record.replaced}"
    reasons = [f"{record.restored} again{replaced}, by {record.by}"]
    return Event(
        record.time,
        Outcome.ROLLBACK,
        version=record.version,
        live_version=record.restored,
        reasons=(*reasons, *([record.reason] if record.reason else [])),
    )


def _events_of_runs(runs: list[RunRecord], made_by_rollbacks: set[int | None]) -> Iterator[Event]:
    seen: set[tuple[int, ...]] = set()
    known = set(made_by_rollbacks)
    for run in runs:
        evaluation = _artifact(run.nodes, "Evaluator", "evaluation")
        pushed = _artifact(run.nodes, "Pusher", "pushed_model")
        if evaluation is None or pushed is None:
            yield Event(run.started, Outcome.FAILED, reasons=_where_it_failed(run), run=run.name)
            continue
        event = _event_of_run(run, evaluation, pushed)
        artifacts = (evaluation.id, pushed.id)
        # The model of a run may have been live already.
        is_known = event.outcome is Outcome.PUSHED and event.version in known
        yield replace(event, outcome=Outcome.UNCHANGED) if artifacts in seen or is_known else event
        seen.add(artifacts)
        known.add(event.version)


def _recorded_verdict(evaluation_uri: str) -> dict[str, Any]:
    """Reads the verdict of an evaluation as plain values; empty if there is none.

    Plain values, because other releases may have written fewer or more fields.
    """
    with contextlib.suppress(OSError, ValueError):
        # Without TFMA's reader, as TFMA takes half a minute to load.
        found = json.loads(Path(evaluation_uri, "verdict.json").read_bytes())
        if isinstance(found, dict):
            return found
    return {}


def _where_it_failed(run: RunRecord) -> tuple[str, ...]:
    names = ", ".join(run.unfinished)
    return (f"{names} did not end",) if names else ("it was ended between two nodes",)


def _event_of_run(run: RunRecord, evaluation: pb.Artifact, pushed: pb.Artifact) -> Event:
    verdict = _recorded_verdict(evaluation.uri)
    metrics = verdict.get("metrics", {}).get(OVERALL, {})
    metric = verdict.get("metric", "bleu")
    live = _artifact(run.nodes, "LiveModel", "model")
    gate = _artifact(run.nodes, "Evaluator", "blessing")
    servable = _artifact(run.nodes, "ServingValidator", "blessing")
    reasons = _failed_checks(verdict)
    if _number(gate, "blessed") != 1 and not reasons:
        reasons.append("the gate, whose verdict was not kept")
    if _number(servable, "blessed") != 1 and not any(_UNSERVABLE in each for each in reasons):
        reasons.append(_UNSERVABLE)
    is_pushed = _number(pushed, "pushed") == 1
    if is_pushed:
        outcome = Outcome.PUSHED
    elif reasons:
        outcome = Outcome.BLOCKED
    else:
        outcome = Outcome.NOT_PUSHED
        reasons.append(_text(pushed, "reason") or "no reason was kept")
    return Event(
        run.started,
        outcome,
        version=int(_text(pushed, "pushed_version") or 0) or None if is_pushed else None,
        metric=metric,
        score=metrics.get(CANDIDATE, {}).get(metric),
        floor=_floor(verdict, metric),
        live_score=metrics.get(BASELINE, {}).get(metric),
        live_version=int(_text(live, "live_version") or 0) or None,
        reasons=tuple(reasons),
        run=run.name,
    )


def _failed_checks(verdict: Mapping[str, Any]) -> list[str]:
    """Returns the checks failed by a model, each with its number and bound."""
    checks = map(Check.model_validate, verdict.get("checks", []))
    failed = [describe_check(check) for check in checks if not check.passed]
    return [*failed, *verdict.get("problems", [])]


def _floor(verdict: Mapping[str, Any], metric: Metric) -> float | None:
    """Returns the floor over all sentences, or None if the verdict has none."""
    for check in verdict.get("checks", []):
        if (check["metric"], check["slice"], check["rule"]) == (metric, OVERALL, "at least"):
            return float(check["bound"])
    return None


def _artifact(nodes: Mapping[str, Node], node: str, channel: str) -> pb.Artifact | None:
    artifacts = nodes[node].outputs.get(channel, []) if node in nodes else []
    return artifacts[0] if artifacts else None


def _number(artifact: pb.Artifact | None, name: str) -> int | None:
    has_it = artifact is not None and name in artifact.custom_properties
    return int(artifact.custom_properties[name].int_value) if artifact and has_it else None


def _text(artifact: pb.Artifact | None, name: str) -> str:
    has_it = artifact is not None and name in artifact.custom_properties
    return str(artifact.custom_properties[name].string_value) if artifact and has_it else ""
