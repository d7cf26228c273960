"""The manifests made by kustomize from the overlays, and access to their parts."""

import functools
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SERVING = ROOT / "kubeflow" / "serving"
OVERLAYS = sorted(folder.name for folder in (SERVING / "overlays").iterdir())
DEPLOYMENTS = [name for name in OVERLAYS if name != "kserve"]

Manifest = dict[str, Any]


def tool(name: str) -> str:
    """Returns the path of a program from the development packages or PATH; skips without it."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is missing: `make setup` installs it with the development packages")
    return found


def rendered(overlay: str) -> tuple[Manifest, ...]:
    """Returns all manifests of an overlay of `serving`."""
    return render(SERVING / "overlays" / overlay)


@functools.cache
def render(folder: Path) -> tuple[Manifest, ...]:
    """Returns all manifests made by kustomize from a folder."""
    command = [tool("kubectl"), "kustomize", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""  # kustomize prints warnings about deprecated features here
    return tuple(yaml.safe_load_all(result.stdout))


def of_kind(overlay: str, kind: str) -> dict[str, Manifest]:
    """Returns the manifests of a kind, by name."""
    found = [each for each in rendered(overlay) if each["kind"] == kind]
    return {each["metadata"]["name"]: each for each in found}


def the(overlay: str, kind: str) -> Manifest:
    """Returns the only manifest of a kind."""
    [manifest] = of_kind(overlay, kind).values()
    return manifest


def pod(overlay: str) -> Manifest:
    """Returns the labels and specification of the pods, from a Deployment or an InferenceService.

    An InferenceService's predictor is a pod's specification with additional fields of KServe, and
    its `model` a container with additional fields.
    """
    if overlay == "kserve":
        predictor = dict(the(overlay, "InferenceService")["spec"]["predictor"])
        return {"spec": {**predictor, "containers": [predictor.pop("model")]}}
    return the(overlay, "Deployment")["spec"]["template"]


def containers(overlay: str) -> list[Manifest]:
    """Returns all containers of the pods, including sidecars."""
    spec = pod(overlay)["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def server(overlay: str) -> Manifest:
    """Returns the container of TensorFlow Serving."""
    [container] = pod(overlay)["spec"]["containers"]
    return container


def flags(arguments: list[str]) -> dict[str, str]:
    """Returns a command's flags with their values; fails if a flag is given twice."""
    pairs = [argument.removeprefix("--").partition("=") for argument in arguments]
    found = {name: value for name, _, value in pairs}
    assert len(found) == len(pairs)
    return found


def server_config(overlay: str, name: str) -> str:
    """Returns the text of a configuration file of the server."""
    [text] = [
        each["data"][name]
        for each in of_kind(overlay, "ConfigMap").values()
        if name in each.get("data", {})
    ]
    return text


def find(tree: Any, key: str) -> Iterator[Any]:
    """Yields the values of a key, at any depth."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == key:
                yield value
            yield from find(value, key)
    elif isinstance(tree, list):
        for value in tree:
            yield from find(value, key)
