"""The volume of the workspace and the pods to fill it, applied as in kubeflow/README.md."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config.settings import load_config
from pipeline.kubeflow import platform

FOLDER = Path(__file__).resolve().parents[2] / "kubeflow"
KUBERNETES = ["1.29", "1.37"]  # the oldest that the README names, and the newest


def manifest(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


CLAIM = manifest("workspace-claim.yaml")
MODELS = manifest("serving/claim/claim.yaml")
POD = manifest("workspace-pod.yaml")
OWNER = manifest("volume-owner-pod.yaml")
USER = f"{platform.USER}:{platform.USER}"


@pytest.mark.parametrize("kubernetes", KUBERNETES)
@pytest.mark.parametrize("each", [CLAIM, POD, OWNER], ids=lambda each: each["metadata"]["name"])
def test_kubernetes_knows_every_field(each: dict[str, Any], kubernetes: str) -> None:
    validator = pytest.importorskip("kubernetes_validate")
    validator.validate(each, kubernetes, strict=True)


@pytest.mark.parametrize("page", ["README.md", "serving/README.md", "flink/README.md"])
def test_the_pages_agree_on_the_namespace(page: str) -> None:
    text = (FOLDER / page).read_text(encoding="utf-8")
    named = re.findall(r"(?:set-context --current --namespace |`nmt-[a-z-]+\.)([a-z-]+)", text)
    assert set(named) == {"kubeflow"}


@pytest.mark.parametrize("pod", [POD, OWNER], ids=lambda pod: pod["metadata"]["name"])
def test_the_tasks_mount_the_claims_where_the_pods_do(pod: dict[str, Any]) -> None:
    settings = load_config("debian").kubeflow
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"]["volumes"]
    }
    mounts = [
        f"{claims[mount['name']]}:{mount['mountPath']}"
        for mount in pod["spec"]["containers"][0]["volumeMounts"]
    ]
    assert mounts == settings.volumes
    assert list(claims.values()) == [CLAIM["metadata"]["name"], MODELS["metadata"]["name"]]
    assert mounts[0].endswith(f":{settings.workspace}")


def test_the_pods_write_as_the_user_that_the_tasks_run_as() -> None:
    lines = (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert f"USER {USER}" in lines
    context = POD["spec"]["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == USER
    assert context["fsGroup"] == context["runAsGroup"]
    [container] = OWNER["spec"]["containers"]
    folders = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert container["command"] == ["chown", USER, *folders]
