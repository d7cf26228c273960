"""Runs a pipeline with Apache Beam as the orchestrator, through TFX's BeamDagRunner."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tfx.orchestration.beam.beam_dag_runner import BeamDagRunner
from tfx.orchestration.pipeline import Pipeline

_ORCHESTRATION_ARGUMENTS = ["--direct_running_mode=in_memory"]


def run(pipeline: Pipeline) -> None:
    """Runs all nodes; an error ends the run."""
    with _process_arguments(_ORCHESTRATION_ARGUMENTS):
        BeamDagRunner().run(pipeline)


@contextmanager
def _process_arguments(arguments: list[str]) -> Iterator[None]:
    """Replaces the arguments of this process.

    Beam's orchestrating job reads its options from them. BeamDagRunner's parameter for options
    would select TFX's legacy launcher, which does not support custom drivers.
    """
    kept = sys.argv
    sys.argv = [kept[0], *arguments]
    try:
        yield
    finally:
        sys.argv = kept
