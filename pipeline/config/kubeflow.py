"""The section `kubeflow` of the configuration: what a cluster has to be told that a laptop has not.

Lists hold one line of text for each entry, in the notation of the tool that people know it from:
volumes as in `docker run -v`, tolerations as in `kubectl taint`.
"""

from typing import Annotated

from pydantic import Field

from trainer.settings_base import Settings

_CPU = r"^[0-9]+(\.[0-9]+|m)?$"
_MEMORY = r"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$"
_NAME = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
_LABEL = r"([A-Za-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?"

Label = Annotated[str, Field(pattern=rf"^{_LABEL}=[A-Za-z0-9_.-]*$")]
Toleration = Annotated[
    str, Field(pattern=rf"^{_LABEL}(=[A-Za-z0-9_.-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$")
]
Volume = Annotated[str, Field(pattern=rf"^{_NAME}:/[^:]+$")]
Secret = Annotated[str, Field(pattern=rf"^{_NAME}/[A-Za-z0-9_.-]+=[A-Za-z_][A-Za-z0-9_]*$")]
PullSecret = Annotated[str, Field(pattern=rf"^{_NAME}$")]


class TrainerResources(Settings):
    """What the Trainer's container asks for, and where it may run."""

    cpu: str = Field(default="4", pattern=_CPU)
    """Processors, such as "4" or 500m."""
    memory: str = Field(default="16Gi", pattern=_MEMORY)
    """Memory, which is also its limit."""
    gpus: int = Field(default=0, ge=0, le=64)
    """GPUs of one node, each with a batch of its own; 0 trains on the processor."""
    gpu_resource: str = Field(default="nvidia.com/gpu", pattern=rf"^{_LABEL}$")
    """What the cluster calls a GPU."""
    node_selector: list[Label] = Field(default_factory=list)
    """Labels that the node must have, such as cloud.google.com/gke-accelerator=nvidia-l4."""
    tolerations: list[Toleration] = Field(default_factory=list)
    """Taints that do not keep the Trainer away, such as nvidia.com/gpu=present:NoSchedule."""


class TaskResources(Settings):
    """What the container of every other task asks for."""

    cpu: str = Field(default="2", pattern=_CPU)
    """Processors, such as "2" or 500m."""
    memory: str = Field(default="8Gi", pattern=_MEMORY)
    """Memory, which is also its limit."""


class KubeflowSettings(Settings):
    """The pipeline on Kubeflow Pipelines: `nmt compile`, see kubeflow/README.md."""

    image: str = Field(default="attention-nmt:latest", min_length=1)
    """The image that `make image` builds, where the cluster pulls it from."""
    pipeline_root: str | None = Field(
        default=None, pattern=r"^(minio|s3|gs)://[a-z0-9][a-z0-9._-]+(/.*)?$"
    )
    """Where artifacts lie, such as minio://mlpipeline/nmt; null leaves it to the cluster."""
    workspace: str = Field(default="/nmt", pattern=r"^(/|gs://).+")
    """Holds corpora/NAME, models/NAME and checkpoints, as on a laptop: a mounted volume, or gs://.
    """
    retries: int = Field(default=2, ge=0, le=20)
    """How often a task that failed is tried again."""
    caching: bool = True
    """Whether a task with the same inputs is answered from the cache."""
    trainer: TrainerResources = Field(default_factory=TrainerResources)
    tasks: TaskResources = Field(default_factory=TaskResources)
    volumes: list[Volume] = Field(
        default_factory=lambda: ["nmt-workspace:/nmt", "nmt-models:/nmt/models"]
    )
    """Claims and where every task mounts them, `CLAIM:/PATH`."""
    secrets: list[Secret] = Field(default_factory=list)
    """Keys of secrets as environment variables of every task, `SECRET/KEY=VARIABLE`."""
    image_pull_secrets: list[PullSecret] = Field(default_factory=list)
    """Secrets that hold the registry's credentials."""
