"""Runs a pipeline in this process, node by node, with TFX's LocalDagRunner."""

from tfx import v1 as tfx


def run(pipeline: tfx.dsl.Pipeline) -> None:
    """Runs all nodes in order; the first error ends the run."""
    tfx.orchestration.LocalDagRunner().run(pipeline)
