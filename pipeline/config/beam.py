"""The section `beam` of the configuration, and its conversion to arguments for Apache Beam.

Beam runs ExampleGen, StatisticsGen, Transform and Evaluator. The arguments are part of TFX's cache
key, so after a change these steps run again, and with them all steps using their outputs.
"""

import re
from typing import Literal

from pydantic import Field, model_validator

from pipeline.errors import UserError
from trainer.settings_base import Settings

FLINK_VERSION = "1.20"
"""Version of the cluster in kubeflow/flink, and of the job server started by Beam for a master."""

_HOST_AND_PORT = r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}$"
_MASTERS = {
    "flink": (
        r"\[local\]|(https?://)?[A-Za-z0-9._-]+:[0-9]+/?",
        "[local], host:port or http://host:port",
    ),
    "spark": (
        r"local(\[[0-9*]+\])?|spark://[A-Za-z0-9._-]+:[0-9]+",
        "local, local[2] or spark://host:port",
    ),
}
_MASTER_IN_THIS_PROCESS = re.compile(r"\[local\]|local(\[.*\])?")
_THIS_MACHINE = re.compile(r"((https?|spark)://)?(localhost|127\.[0-9.]+|\[::1\]):.*")
_BUCKET = r"^gs://[^/]+(/.*)?$"

# Without any such option, TFX packs all of its own sources for the workers, three seconds for each
# step, and each worker installs them with pip. Our workers have all packages already. Only Dataflow
# and Docker start the named image.
_NOTHING_TO_INSTALL = "--sdk_container_image=unused"
# Otherwise Beam lists the installed packages with pip, and submits the list with the job.
_NO_LIST_OF_PACKAGES = "--experiments=disable_logging_submission_environment"


class PortableSettings(Settings):
    """Flink and Spark: the address for their jobs, and the Python of their workers."""

    job_endpoint: str | None = Field(default=None, pattern=_HOST_AND_PORT)
    """`host:port` of a Beam job server; it passes the work to its engine."""
    master: str | None = Field(default=None, min_length=1)
    """The engine, such as flink:8081 or spark://spark:7077, instead of a job server. Beam then
    starts a job server on this machine, with Java."""
    job_server_jar: str | None = Field(default=None, min_length=1)
    """Jar of the job server started by Beam for a master; null lets Beam fetch the jar of its own
    version."""
    worker_pool: str | None = Field(default="localhost:50000", pattern=_HOST_AND_PORT)
    """Address of Beam's Python worker pool for the engine's workers: `localhost` is a sidecar. null
    lets the submitting process do the work (Beam's LOOPBACK); the engine must then be on this
    machine."""
    worker_processes: int = Field(default=1, ge=0)
    """Python processes of a pool for each worker of the engine; 0 lets the engine choose."""
    parallelism: int | None = Field(default=None, ge=1)
    """Parallelism of a Flink job; null uses the cluster's `parallelism.default`."""


class DataflowSettings(Settings):
    """Google Cloud Dataflow; it needs the pipeline's artifacts in a bucket."""

    project: str | None = Field(default=None, min_length=1)
    """Google Cloud project."""
    region: str | None = Field(default=None, min_length=1)
    """Region of Google Cloud, such as europe-west4."""
    temp_location: str | None = Field(default=None, pattern=_BUCKET)
    """A gs:// folder for temporary files."""
    staging_location: str | None = Field(default=None, pattern=_BUCKET)
    """A gs:// folder for uploaded files; null uses a folder in `temp_location`."""
    image: str | None = Field(default=None, min_length=1)
    """A container image with this project, its packages and Beam's `/opt/apache/beam/boot`."""
    max_workers: int | None = Field(default=None, ge=1)
    """Largest number of machines; null leaves it to Dataflow."""


class BeamSettings(Settings):
    """How Apache Beam processes the corpus (kubeflow/flink/README.md).

    The sections of other runners are ignored.
    """

    runner: Literal["direct", "flink", "spark", "dataflow"] = "direct"
    """The engine; direct is one worker on this machine. After a change, all steps run again."""
    portable: PortableSettings = Field(default_factory=PortableSettings)
    dataflow: DataflowSettings = Field(default_factory=DataflowSettings)
    pipeline_args: list[str] = Field(default_factory=list)
    """Beam's own options, for any runner. They override all others, because they come last."""

    @model_validator(mode="after")
    def _can_be_run(self) -> "BeamSettings":
        if self.runner in _MASTERS:
            _check_portable(self.runner, self.portable)
        elif self.runner == "dataflow":
            _check_dataflow(self.dataflow)
        return self


def beam_arguments(settings: BeamSettings, pipeline_root: str) -> list[str]:
    """Returns the arguments of Beam's pipelines, as read by `PipelineOptions`.

    Args:
      settings: the engine and its settings.
      pipeline_root: the folder of the artifacts, read and written by the engine's workers.

    Raises:
      UserError: the workers cannot reach the folder.
    """
    return [*_RUNNERS[settings.runner](settings, pipeline_root), *settings.pipeline_args]


def _direct(settings: BeamSettings, pipeline_root: str) -> list[str]:
    """Uses one worker in memory: several processes are slower if the corpus fits one machine."""
    del settings, pipeline_root
    return [
        "--runner=DirectRunner",
        "--direct_running_mode=in_memory",
        "--direct_num_workers=1",
        _NOTHING_TO_INSTALL,
    ]


def _flink(settings: BeamSettings, pipeline_root: str) -> list[str]:
    del pipeline_root
    portable = settings.portable
    started = ["--runner=FlinkRunner", f"--flink_version={FLINK_VERSION}"]
    arguments = _submission(portable, started, "flink_master", "flink_job_server_jar")
    if portable.parallelism is not None:
        arguments.append(f"--parallelism={portable.parallelism}")
    return arguments + _workers(portable)


def _spark(settings: BeamSettings, pipeline_root: str) -> list[str]:
    del pipeline_root
    portable = settings.portable
    started = ["--runner=SparkRunner"]
    arguments = _submission(portable, started, "spark_master_url", "spark_job_server_jar")
    return arguments + _workers(portable)


def _dataflow(settings: BeamSettings, pipeline_root: str) -> list[str]:
    if not pipeline_root.startswith("gs://"):
        raise UserError(
            f"beam.runner is dataflow, whose workers cannot reach {pipeline_root}: the pipeline's "
            "artifacts must lie in a bucket (gs://)."
        )
    dataflow = settings.dataflow
    values = {
        "project": dataflow.project,
        "region": dataflow.region,
        "temp_location": dataflow.temp_location,
        "staging_location": dataflow.staging_location,
        "sdk_container_image": dataflow.image,
        "max_num_workers": dataflow.max_workers,
    }
    given = [f"--{name}={value}" for name, value in values.items() if value is not None]
    # All code is imported from the image, so Beam need not pickle the main module.
    return ["--runner=DataflowRunner", *given, "--no_save_main_session", _NO_LIST_OF_PACKAGES]


_RUNNERS = {"direct": _direct, "flink": _flink, "spark": _spark, "dataflow": _dataflow}


def _submission(portable: PortableSettings, started: list[str], master: str, jar: str) -> list[str]:
    """Returns the arguments for the job server.

    Args:
      portable: the settings.
      started: the arguments for a job server started by Beam, without its master and jar.
      master: the name of Beam's option for the master.
      jar: the name of Beam's option for the jar.
    """
    if portable.job_endpoint is not None:
        return ["--runner=PortableRunner", f"--job_endpoint={portable.job_endpoint}"]
    arguments = [*started, f"--{master}={portable.master}"]
    if portable.job_server_jar is not None:
        arguments.append(f"--{jar}={portable.job_server_jar}")
    return arguments


def _workers(portable: PortableSettings) -> list[str]:
    """Returns the arguments for the Python workers."""
    arguments = [_NOTHING_TO_INSTALL, _NO_LIST_OF_PACKAGES]
    if portable.worker_pool is None:
        return [*arguments, "--environment_type=LOOPBACK"]
    return [
        *arguments,
        "--environment_type=EXTERNAL",
        f"--environment_config={portable.worker_pool}",
        f"--sdk_worker_parallelism={portable.worker_processes}",
    ]


def _check_portable(runner: str, portable: PortableSettings) -> None:
    """Raises a ValueError if settings contradict each other."""
    address = portable.job_endpoint or portable.master
    if address is None:
        raise ValueError(
            f"the runner {runner} needs portable.job_endpoint, the host:port of Beam's job server, "
            "or portable.master; Beam then starts a job server here."
        )
    if portable.job_endpoint is not None and portable.master is not None:
        raise ValueError(
            "portable.job_endpoint and portable.master exclude each other: a job server knows its "
            "master. Keep one of them."
        )
    if portable.job_endpoint is not None and portable.job_server_jar is not None:
        raise ValueError(
            "portable.job_server_jar is only for portable.master, but portable.job_endpoint is "
            "set. Leave one of them out."
        )
    pattern, examples = _MASTERS[runner]
    if portable.master is not None and not re.fullmatch(pattern, portable.master):
        raise ValueError(
            f"portable.master of {runner} is {portable.master}, but it must look like {examples}."
        )
    if runner == "spark" and portable.parallelism is not None:
        raise ValueError(
            "portable.parallelism is Flink's. Leave it out and set spark.default.parallelism where "
            "Spark's job server is started."
        )
    is_here = _MASTER_IN_THIS_PROCESS.fullmatch(address) or _THIS_MACHINE.fullmatch(address)
    if portable.worker_pool is None and not is_here:
        raise ValueError(
            f"without portable.worker_pool this process does the work itself, but {address} is on "
            "another machine and cannot reach it. Name the pool, such as localhost:50000 for a "
            "sidecar."
        )


def _check_dataflow(dataflow: DataflowSettings) -> None:
    """Raises a ValueError if required settings are missing."""
    needed = ("project", "region", "temp_location", "image")
    missing = [f"dataflow.{name}" for name in needed if getattr(dataflow, name) is None]
    if missing:
        raise ValueError(f"the runner dataflow needs {', '.join(missing)}.")
