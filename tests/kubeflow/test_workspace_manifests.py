"""The volume of the workspace and the pod to fill it, applied as in kubeflow/README.md."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config.settings import load_config

FOLDER = Path(__file__).resolve().parents[2] / "kubeflow"
KUBERNETES = ["1.29", "1.37"]  # the oldest that the README names, and the newest


def manifest(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


CLAIM = manifest("workspace-claim.yaml")
POD = manifest("workspace-pod.yaml")


@pytest.mark.parametrize("kubernetes", KUBERNETES)
@pytest.mark.parametrize("each", [CLAIM, POD], ids=lambda each: each["kind"])
def test_kubernetes_knows_every_field(each: dict[str, Any], kubernetes: str) -> None:
    validator = pytest.importorskip("kubernetes_validate")
    validator.validate(each, kubernetes, strict=True)


def test_the_tasks_mount_the_claim_where_the_pod_does() -> None:
    settings = load_config("debian").kubeflow
    [mount] = POD["spec"]["containers"][0]["volumeMounts"]
    [volume] = POD["spec"]["volumes"]
    name = CLAIM["metadata"]["name"]
    assert volume["persistentVolumeClaim"]["claimName"] == name
    assert f"{name}:{mount['mountPath']}" in settings.volumes
    assert mount["mountPath"] == settings.workspace


def test_the_pod_writes_as_the_user_that_the_tasks_run_as() -> None:
    [user] = [
        line.split()[1]
        for line in (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines()
        if line.startswith("USER ")
    ]
    context = POD["spec"]["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == user
    assert context["fsGroup"] == context["runAsGroup"]
