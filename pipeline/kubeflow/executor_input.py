"""Converts the input of a task from open-source Kubeflow Pipelines to TFX, and its output back.

Both use the message `ExecutorInput`, but with some differences (Kubeflow Pipelines 2.x, its driver
and launcher):

- an input artifact has no type, but TFX needs the type to make the Python object;
- an artifact not produced is present with an empty place, instead of missing;
- the outputs include `executor-logs`, unknown to all components;
- URIs are in the object store, but the launcher has copied their content to the local disk, and
  collects outputs from there. TFX must read and write the local copy, and the output must name the
  object store again.
"""

import copy
import os
from collections.abc import Iterator
from typing import Any

_LAUNCHER_FOLDERS = {"gs": "gcs", "minio": "minio", "s3": "s3"}
"""Folders in the root directory with the launcher's copies, by the scheme of the URI."""
_LOGS = "executor-logs"

Json = dict[str, Any]


def repaired(executor_input: Json, inputs_spec: Json) -> Json:
    """Returns the input in the form expected by TFX.

    Args:
      executor_input: an `ExecutorInput` message of the launcher, as JSON.
      inputs_spec: the component's `ComponentInputsSpec` with the types, as JSON.
    """
    types = {
        name: entry["artifactType"] for name, entry in inputs_spec.get("artifacts", {}).items()
    }
    inputs, outputs = executor_input.get("inputs", {}), executor_input.get("outputs", {})
    given = {
        name: {
            "artifacts": [
                {**_on_disk(artifact), "type": types.get(name, artifact.get("type", {}))}
                for artifact in entry.get("artifacts", [])
                if _is_there(_on_disk(artifact)["uri"])
            ]
        }
        for name, entry in inputs.get("artifacts", {}).items()
    }
    wanted = {
        name: {"artifacts": [_on_disk(artifact) for artifact in entry.get("artifacts", [])]}
        for name, entry in outputs.get("artifacts", {}).items()
        if name != _LOGS
    }
    return {
        **executor_input,
        "inputs": {**inputs, "artifacts": given},
        "outputs": {**outputs, "artifacts": wanted},
    }


def with_store_uris(executor_output: Json, used: Json, given: Json) -> Json:
    """Returns a task's output with the launcher's URIs.

    Args:
      executor_output: the `ExecutorOutput` message written by TFX, as JSON.
      used: the `ExecutorInput` used by TFX.
      given: the `ExecutorInput` of the launcher.
    """
    known = given.get("outputs", {}).get("artifacts", {})
    uris = {
        artifact["uri"]: original.get("uri", "")
        for name, entry in used["outputs"]["artifacts"].items()
        for artifact, original in zip(
            entry["artifacts"], known[name].get("artifacts", []), strict=True
        )
    }
    answer = copy.deepcopy(executor_output)
    for artifact in artifacts_of(answer):
        artifact["uri"] = uris.get(artifact.get("uri", ""), artifact.get("uri", ""))
    return answer


def artifacts_of(message: Json) -> Iterator[Json]:
    """Yields all artifacts of the inputs, the outputs or an `ExecutorOutput`."""
    for entry in message.get("artifacts", {}).values():
        yield from entry.get("artifacts", [])


def local_path(uri: str) -> str:
    """Returns the path of the launcher's copy of a URI; a path is returned unchanged."""
    scheme, separator, rest = uri.partition("://")
    if not separator or scheme not in _LAUNCHER_FOLDERS:
        return uri
    return f"/{_LAUNCHER_FOLDERS[scheme]}/{rest}"


def _on_disk(artifact: Json) -> Json:
    return {**artifact, "uri": local_path(artifact.get("uri", ""))}


def _is_there(path: str) -> bool:
    """Whether a path is a file or a folder with content."""
    return bool(os.listdir(path)) if os.path.isdir(path) else os.path.exists(path)
