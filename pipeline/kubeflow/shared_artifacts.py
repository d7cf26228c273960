"""A task's artifacts where the workers of an engine can reach them.

Kubeflow's launcher copies what a task reads into the task's own container, and collects from there
what it made. Workers of Flink, Spark or Dataflow are elsewhere; they share the workspace with the
task, a volume or a bucket. So the artifacts of a task whose work Beam does on an engine lie there
while it runs.
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
    """Copies what a task reads to a folder of its own, and what it made back to its place.

    Args:
      executor_input: an `ExecutorInput` message as JSON, whose artifacts lie on the local disk.
      folder: path or URI that the workers reach. Nothing is left there.

    Yields:
      The message with the places there.
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
