"""The section `kubeflow` of the configuration, for runs on a cluster.

Lists hold one line of text for each entry, in the notation of a well-known tool: volumes as in
`docker run -v`, tolerations as in `kubectl taint`.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from trainer.settings_base import Settings

_MEMORY = r"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$"
_NAME = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
_LABEL = r"([A-Za-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?"


def _as_text(value: Any) -> Any:
    """Returns a number as text: YAML reads `cpu: 2` as a number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


Cpu = Annotated[str, BeforeValidator(_as_text), Field(pattern=r"^[0-9]+(\.[0-9]+|m)?$")]
Label = Annotated[str, Field(pattern=rf"^{_LABEL}=[A-Za-z0-9_.-]*$")]
Toleration = Annotated[
    str, Field(pattern=rf"^{_LABEL}(=[A-Za-z0-9_.-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$")
]
Volume = Annotated[str, Field(pattern=rf"^{_NAME}:/[^:]+$")]
Secret = Annotated[str, Field(pattern=rf"^{_NAME}/[A-Za-z0-9_.-]+=[A-Za-z_][A-Za-z0-9_]*$")]
PullSecret = Annotated[str, Field(pattern=rf"^{_NAME}$")]


class TaskResources(Settings):
    """Resources of the container of every other task."""

    cpu: Cpu = "2"
    """Processors, such as 2 or 500m."""
    memory: str = Field(default="8Gi", pattern=_MEMORY)
    """Memory, both requested and the limit."""


class LightTaskResources(TaskResources):
    """Resources of LiveModel, Pusher and SchemaGen, which copy files or read small ones."""

    cpu: Cpu = "1"
    """Processors, such as 1 or 500m."""
    memory: str = Field(default="2Gi", pattern=_MEMORY)
    """Memory, both requested and the limit."""


class TrainerResources(TaskResources):
    """Resources of the Trainer's container, and the nodes where it may run."""

    cpu: Cpu = "3"
    """Processors, such as 3 or 500m."""
    memory: str = Field(default="8Gi", pattern=_MEMORY)
    """Memory, both requested and the limit."""
    gpus: int = Field(default=0, ge=0, le=64)
    """Number of GPUs on one node, each with a separate batch; 0 trains on the processor."""
    gpu_resource: str = Field(default="nvidia.com/gpu", pattern=rf"^{_LABEL}$")
    """The cluster's resource name for a GPU."""
    node_selector: list[Label] = Field(default_factory=list)
    """Required labels of the node, such as cloud.google.com/gke-accelerator=nvidia-l4."""
    tolerations: list[Toleration] = Field(default_factory=list)
    """Taints tolerated by the Trainer, such as nvidia.com/gpu=present:NoSchedule."""


class KubeflowSettings(Settings):
    """The pipeline on Kubeflow Pipelines: `nmt compile`, see kubeflow/README.md."""

    image: str = Field(default="attention-nmt:latest", min_length=1)
    """The image built by `make image`, under its name in the cluster's registry."""
    pipeline_root: str | None = Field(
        default=None, pattern=r"^(minio|s3|gs)://[a-z0-9][a-z0-9._-]+(/.*)?$"
    )
    """Folder of the artifacts, such as s3://bucket/nmt; null uses the cluster's default."""
    workspace: str = Field(default="/nmt", pattern=r"^(/|gs://).+")
    """Folder of corpora/NAME, models/NAME and checkpoints, as on a laptop: a mounted volume, or
    gs://."""
    retries: int = Field(default=1, ge=0, le=20)
    """Number of retries of a failed task, also after an error that a retry cannot fix."""
    caching: bool = True
    """Whether tasks with unchanged inputs use the cache."""
    trainer: TrainerResources = Field(default_factory=TrainerResources)
    tasks: TaskResources = Field(default_factory=TaskResources)
    light_tasks: LightTaskResources = Field(default_factory=LightTaskResources)
    volumes: list[Volume] = Field(
        default_factory=lambda: ["nmt-workspace:/nmt", "nmt-models:/nmt/models"]
    )
    """Volume claims and their mount paths in every task, `CLAIM:/PATH`."""
    run_as_non_root: bool = False
    """Whether each task states the image's user, as a namespace of the level `restricted` requires.
    Kubeflow Pipelines 2.16 or newer adds the other requirements of this level."""
    secrets: list[Secret] = Field(default_factory=list)
    """Keys of secrets as environment variables of every task, `SECRET/KEY=VARIABLE`."""
    image_pull_secrets: list[PullSecret] = Field(default_factory=list)
    """Secrets with the registry's credentials."""
