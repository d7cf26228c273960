"""Makes the Kubernetes part of a pipeline: volumes, user, secrets and nodes of tasks.

The functions of the kfp-kubernetes library write it to a task's `platform_config`.
"""

from dataclasses import dataclass, field
from typing import Any, cast

from kfp import kubernetes
from kfp.dsl import PipelineTask

from pipeline.config.kubeflow import KubeflowSettings

USER = 10001
"""User and group of the image, see kubeflow/Dockerfile."""


@dataclass
class _PlatformConfig:
    """A `PipelineTask` reduced to the one attribute used by the library's functions here."""

    platform_config: dict[str, Any] = field(default_factory=dict)


def platform_specification(
    settings: KubeflowSettings, executors: list[str], trainer: str
) -> dict[str, Any]:
    """Returns the `PlatformSpec` of a pipeline, the second document of its file.

    Args:
      settings: volumes, user, secrets, and the Trainer's nodes.
      executors: the labels of all executors.
      trainer: the label of the Trainer's executor.
    """
    by_label = {
        label: config
        for label in executors
        if (config := _executor(settings, is_trainer=label == trainer))
    }
    if not by_label:
        return {}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": by_label}}}}


def _executor(settings: KubeflowSettings, *, is_trainer: bool) -> dict[str, Any]:
    holder = _PlatformConfig()
    task = cast(PipelineTask, holder)
    for volume in settings.volumes:
        claim, _, path = volume.partition(":")
        kubernetes.mount_pvc(task, claim, path)
    if settings.run_as_non_root:
        kubernetes.set_security_context(
            task, run_as_user=USER, run_as_group=USER, run_as_non_root=True
        )
    for secret in settings.secrets:
        place, _, variable = secret.partition("=")
        name, _, key = place.partition("/")
        kubernetes.use_secret_as_env(task, name, {key: variable})
    if settings.image_pull_secrets:
        kubernetes.set_image_pull_secrets(task, settings.image_pull_secrets)
    if is_trainer:
        for label in settings.trainer.node_selector:
            key, _, value = label.partition("=")
            kubernetes.add_node_selector(task, key, value)
        for toleration in settings.trainer.tolerations:
            _add_toleration(task, toleration)
    return cast(dict[str, Any], holder.platform_config.get("kubernetes", {}))


def _add_toleration(task: PipelineTask, toleration: str) -> None:
    taint, _, effect = toleration.rpartition(":")
    key, separator, value = taint.partition("=")
    if separator:
        kubernetes.add_toleration(task, key, "Equal", value, effect)  # type: ignore[arg-type]
    else:
        kubernetes.add_toleration(task, key, "Exists", effect=effect)  # type: ignore[arg-type]
