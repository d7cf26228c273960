"""ML Metadata as runs of the pipeline leave it, as far as `nmt report` looks at it."""

import uuid
from pathlib import Path
from typing import Any

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from components.gate.verdict import Check, Verdict
from pipeline.running.record import open_store

Properties = dict[str, int | str]


class Records:
    """A workspace in which runs of `captions` are recorded."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.store: MetadataStore = open_store(str(workspace / "metadata.db"))
        self._count = 0

    def artifact(self, uri: Path | None = None, **properties: int | str) -> int:
        """Makes an artifact; returns its id."""
        kind = self.store.put_artifact_type(pb.ArtifactType(name="Anything"))
        artifact = pb.Artifact(type_id=kind, uri=str(uri or self.workspace / "nothing"))
        for name, value in properties.items():
            field = "int_value" if isinstance(value, int) else "string_value"
            setattr(artifact.custom_properties[name], field, value)
        [number] = self.store.put_artifacts([artifact])
        return int(number)

    def run(
        self,
        nodes: dict[str, dict[str, int]],
        *,
        failed: str | None = None,
        pipeline: str = "captions",
        is_cached: bool = False,
    ) -> None:
        """Records a run.

        Args:
          nodes: by name, the artifacts by the name of the channel.
          failed: the name of a node that failed.
          pipeline: whose run it is.
          is_cached: whether the cache answered.
        """
        self._count += 1
        run = self._context("pipeline_run", f"run-{self._count}")
        parent = self._context("pipeline", pipeline)
        ended = pb.Execution.CACHED if is_cached else pb.Execution.COMPLETE
        for name, outputs in nodes.items():
            self._execution(name, ended, [run, parent], outputs, pipeline)
        if failed:
            self._execution(failed, pb.Execution.FAILED, [run, parent], {}, pipeline)

    def judged(
        self,
        verdict: Verdict | None,
        *,
        pushed: Properties,
        blessed: int = 1,
        servable: int = 1,
        live_version: str | None = None,
        uri: Path | None = None,
    ) -> dict[str, dict[str, int]]:
        """Makes the artifacts of a run that came to a verdict, which is written if it is given."""
        if verdict is not None:
            uri = self.workspace / "evaluations" / uuid.uuid4().hex
            uri.mkdir(parents=True)
            (uri / "verdict.json").write_text(verdict.model_dump_json(), encoding="utf-8")
        evaluation = self.artifact(uri)
        live = {} if live_version is None else {"model": self.artifact(live_version=live_version)}
        return {
            "LiveModel": live,
            "Evaluator": {"evaluation": evaluation, "blessing": self.artifact(blessed=blessed)},
            "ServingValidator": {"blessing": self.artifact(blessed=servable)},
            "Pusher": {"pushed_model": self.artifact(**pushed)},
        }

    def _context(self, kind: str, name: str) -> int:
        type_id = self.store.put_context_type(pb.ContextType(name=kind))
        found = self.store.get_context_by_type_and_name(kind, name)
        if found is not None:
            return int(found.id)
        [number] = self.store.put_contexts([pb.Context(type_id=type_id, name=name)])
        return int(number)

    def _execution(
        self, node: str, state: Any, contexts: list[int], outputs: dict[str, int], pipeline: str
    ) -> None:
        type_id = self.store.put_execution_type(pb.ExecutionType(name=node))
        execution = pb.Execution(type_id=type_id, last_known_state=state)
        [number] = self.store.put_executions([execution])
        node_context = self._context("node", f"{pipeline}.{node}")
        self.store.put_attributions_and_associations(
            [],
            [
                pb.Association(execution_id=number, context_id=context)
                for context in [*contexts, node_context]
            ],
        )
        for channel, artifact in outputs.items():
            event = pb.Event(artifact_id=artifact, execution_id=number, type=pb.Event.OUTPUT)
            event.path.steps.add().key = channel
            self.store.put_events([event])


def verdict(
    bleu: float, *, live: float | None = None, floor: float = 15.0, failed: tuple[Check, ...] = ()
) -> Verdict:
    """A verdict that blesses unless a check failed."""
    passed = Check(
        metric="bleu",
        slice="overall",
        value=bleu,
        rule="at least",
        bound=floor,
        passed=bleu >= floor,
    )
    models = {"candidate": {"bleu": bleu}}
    if live is not None:
        models["baseline"] = {"bleu": live}
    return Verdict(
        blessed=passed.passed and not failed,
        has_baseline=live is not None,
        live_version=None,
        checks=(passed, *failed),
        unjudged={},
        problems=(),
        metrics={"overall": models},
        signatures={},
    )
