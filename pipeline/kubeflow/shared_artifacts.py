"""Copies a task's artifacts to a folder shared with the workers of an engine.

Kubeflow's launcher copies the inputs of a task into the task's container, and collects the outputs
from there. Workers of Flink, Spark or Dataflow run elsewhere, but share the workspace with the
task: a volume or a bucket. So if Beam runs a task on such an engine, the task's artifacts are in
the workspace while it runs.
"""

import copy
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from tfx.dsl.io import fileio
from tfx.utils import io_utils

from pipeline.kubeflow.executor_input import Json, artifacts_of


@contextmanager
def shared_artifacts(executor_input: Json, folder: str) -> Iterator[Json]:
    """Copies a task's inputs to a new folder, and its outputs back to their places.

    Args:
      executor_input: an `ExecutorInput` message as JSON, with artifacts on the local disk.
      folder: path or URI of a folder reachable by the workers. The new folder in it is removed at
        the end.

    Yields:
      The message with the places in the new folder.
    """
    own_folder = f"{folder}/{uuid.uuid4().hex}"
    moved = copy.deepcopy(executor_input)
    try:
        for number, artifact in enumerate(artifacts_of(moved["inputs"])):
            place = f"{own_folder}/inputs/{number}"
            io_utils.copy_dir(artifact["uri"], place)
            artifact["uri"] = place
        places = [artifact["uri"] for artifact in artifacts_of(moved["outputs"])]
        for number, artifact in enumerate(artifacts_of(moved["outputs"])):
            artifact["uri"] = f"{own_folder}/outputs/{number}"
        yield moved
        for place, artifact in zip(places, artifacts_of(moved["outputs"]), strict=True):
            if fileio.exists(artifact["uri"]):
                io_utils.copy_dir(artifact["uri"], place)
    finally:
        if fileio.exists(own_folder):
            fileio.rmtree(own_folder)
