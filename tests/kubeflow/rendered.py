"""What kustomize makes of the overlays, and where their parts lie."""

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
    """The path of a program of the development packages, or on the search path; else skips."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is missing: `make setup` installs it with the development packages")
    return found


def rendered(overlay: str) -> tuple[Manifest, ...]:
    """All manifests of an overlay of `serving`."""
    return render(SERVING / "overlays" / overlay)


@functools.cache
def render(folder: Path) -> tuple[Manifest, ...]:
    """All manifests that kustomize makes of a folder."""
    command = [tool("kubectl"), "kustomize", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""  # kustomize warns here of what it will not support for long
    return tuple(yaml.safe_load_all(result.stdout))


def of_kind(overlay: str, kind: str) -> dict[str, Manifest]:
    """The manifests of a kind, by name."""
    found = [each for each in rendered(overlay) if each["kind"] == kind]
    return {each["metadata"]["name"]: each for each in found}


def the(overlay: str, kind: str) -> Manifest:
    """The only manifest of a kind."""
    [manifest] = of_kind(overlay, kind).values()
    return manifest


def pod(overlay: str) -> Manifest:
    """The labels and the specification of the pods, from a Deployment or an InferenceService.

    An InferenceService's predictor is a pod's specification with KServe's own fields among them,
    and its `model` a container in the same way.
    """
    if overlay == "kserve":
        predictor = dict(the(overlay, "InferenceService")["spec"]["predictor"])
        return {"spec": {**predictor, "containers": [predictor.pop("model")]}}
    return the(overlay, "Deployment")["spec"]["template"]


def containers(overlay: str) -> list[Manifest]:
    """All containers of the pods, sidecars among them."""
    spec = pod(overlay)["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def server(overlay: str) -> Manifest:
    """The container of TensorFlow Serving."""
    [container] = pod(overlay)["spec"]["containers"]
    return container


def flags(arguments: list[str]) -> dict[str, str]:
    """A command's flags with their values; each may be given once."""
    pairs = [argument.removeprefix("--").partition("=") for argument in arguments]
    found = {name: value for name, _, value in pairs}
    assert len(found) == len(pairs)
    return found


def server_config(overlay: str, name: str) -> str:
    """The text of a file that the server reads."""
    [text] = [
        each["data"][name]
        for each in of_kind(overlay, "ConfigMap").values()
        if name in each.get("data", {})
    ]
    return text


def find(tree: Any, key: str) -> Iterator[Any]:
    """Yields the values that stand at a key, at any depth."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == key:
                yield value
            yield from find(value, key)
    elif isinstance(tree, list):
        for value in tree:
            yield from find(value, key)
