"""Reads the runs of a pipeline from ML Metadata: the state of each node and its artifacts."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

_OUTPUTS = {pb.Event.OUTPUT, pb.Event.DECLARED_OUTPUT}


@dataclass(frozen=True)
class Node:
    """One node of a run."""

    is_cached: bool
    outputs: dict[str, list[pb.Artifact]]
    """Artifacts by the name of their channel."""


@dataclass(frozen=True)
class RunRecord:
    """One run of a pipeline."""

    name: str
    """The name given by the orchestrator."""
    started: datetime
    nodes: dict[str, Node]
    """The successful nodes, by name."""
    unfinished: tuple[str, ...]
    """Names of the failed or unfinished nodes."""


def open_store(path: str) -> MetadataStore:
    """Opens the SQLite file of ML Metadata."""
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = path
    return MetadataStore(config)


def read_latest_run(store: MetadataStore, pipeline_name: str) -> dict[str, Node]:
    """Returns the successful nodes of a pipeline's newest run, by name."""
    runs = _runs_of(store, pipeline_name)
    return _read_run(store, runs[-1], pipeline_name).nodes if runs else {}


def read_runs(store: MetadataStore, pipeline_name: str) -> list[RunRecord]:
    """Returns all runs of a pipeline, oldest first."""
    return [_read_run(store, run, pipeline_name) for run in _runs_of(store, pipeline_name)]


def _runs_of(store: MetadataStore, pipeline_name: str) -> list[pb.Context]:
    runs = [
        run for run in store.get_contexts_by_type("pipeline_run")
        if any(parent.name == pipeline_name for parent in _pipelines_of(store, run))
    ]  # fmt: skip
    return sorted(runs, key=lambda run: run.id)


def _read_run(store: MetadataStore, run: pb.Context, pipeline_name: str) -> RunRecord:
    nodes: dict[str, Node] = {}
    unfinished = []
    for execution in store.get_executions_by_context(run.id):
        name = _node_name(store, execution, pipeline_name)
        if execution.last_known_state in (pb.Execution.COMPLETE, pb.Execution.CACHED):
            is_cached = execution.last_known_state == pb.Execution.CACHED
            nodes[name] = Node(is_cached, _outputs(store, execution))
        else:
            unfinished.append(name)
    started = datetime.fromtimestamp(run.create_time_since_epoch / 1000, UTC)
    return RunRecord(run.name, started, nodes, tuple(unfinished))


def _pipelines_of(store: MetadataStore, run: pb.Context) -> list[pb.Context]:
    executions = store.get_executions_by_context(run.id)
    if not executions:
        return []
    return [c for c in store.get_contexts_by_execution(executions[0].id) if c.type == "pipeline"]


def _node_name(store: MetadataStore, execution: pb.Execution, pipeline_name: str) -> str:
    names = [c.name for c in store.get_contexts_by_execution(execution.id) if c.type == "node"]
    return names[0].removeprefix(f"{pipeline_name}.")


def _outputs(store: MetadataStore, execution: pb.Execution) -> dict[str, list[pb.Artifact]]:
    outputs: dict[str, list[pb.Artifact]] = {}
    for event in store.get_events_by_execution_ids([execution.id]):
        if event.type in _OUTPUTS:
            key = next(step.key for step in event.path.steps if step.HasField("key"))
            outputs.setdefault(key, []).extend(store.get_artifacts_by_id([event.artifact_id]))
    return outputs
