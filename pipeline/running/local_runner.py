"""Runs a pipeline in this process, node by node, with TFX's LocalDagRunner."""

from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline


def run(pipeline: Pipeline) -> None:
    """Runs all nodes in order; the first error ends the run."""
    LocalDagRunner().run(pipeline)
