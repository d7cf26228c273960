"""What open-source Kubeflow Pipelines hands to a task, made into what TFX expects; and back.

Both speak of an `ExecutorInput`, and mean it a little differently (Kubeflow Pipelines 2.x, its
driver and launcher):

- an input artifact comes without its type, which TFX needs to make the Python object;
- an artifact that its producer left out comes as an empty place instead of not at all;
- `executor-logs` comes among the outputs, which no component knows;
- URIs name the object store, whose content the launcher has put on the local disk, and collects
  from there: TFX shall read and write that copy, and the answer shall name the store again.
"""

import copy
import os
from collections.abc import Iterator
from typing import Any

_LAUNCHER_FOLDERS = {"gs": "gcs", "minio": "minio", "s3": "s3"}
"""Folders of the root where the launcher keeps the copies, by the scheme of the URI."""
_LOGS = "executor-logs"

Json = dict[str, Any]


def repaired(executor_input: Json, inputs_spec: Json) -> Json:
    """Returns the input as TFX expects it.

    Args:
      executor_input: an `ExecutorInput` message as JSON, as the launcher gives it.
      inputs_spec: the component's `ComponentInputsSpec` as JSON, which knows the types.
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
    """Returns a task's answer with the URIs that the launcher knows.

    Args:
      executor_output: an `ExecutorOutput` message as JSON, as TFX wrote it.
      used: the `ExecutorInput` that TFX had.
      given: the one that the launcher gave.
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
    """All artifacts of the inputs, the outputs or an answer."""
    for entry in message.get("artifacts", {}).values():
        yield from entry.get("artifacts", [])


def local_path(uri: str) -> str:
    """Where the launcher keeps the copy of what lies at a URI; a path is its own."""
    scheme, separator, rest = uri.partition("://")
    if not separator or scheme not in _LAUNCHER_FOLDERS:
        return uri
    return f"/{_LAUNCHER_FOLDERS[scheme]}/{rest}"


def _on_disk(artifact: Json) -> Json:
    return {**artifact, "uri": local_path(artifact.get("uri", ""))}


def _is_there(path: str) -> bool:
    """Whether anything lies at a path: a file, or a folder with something in it."""
    return bool(os.listdir(path)) if os.path.isdir(path) else os.path.exists(path)
