"""How Apache Beam runs the steps that process the corpus: the section `beam` of the configuration,
and the arguments that Beam is given for it.

The steps are ExampleGen, StatisticsGen, Transform and Evaluator. The arguments are part of TFX's
cache key, so after a change of them these steps run again, and with them what takes their outputs.
"""

import re
from typing import Literal

from pydantic import Field, model_validator

from pipeline.errors import UserError
from trainer.settings_base import Settings

FLINK_VERSION = "1.20"
"""Of the cluster in kubeflow/flink and of the job server that Beam starts for a master."""

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

# Without any such option TFX packs all of its own sources for the workers, three seconds for each
# step, and a worker would install them with pip. All of ours have what they need already. Only
# Dataflow and Docker start the image that it names.
_NOTHING_TO_INSTALL = "--sdk_container_image=unused"
# Beam would list what is installed here, with pip, and send the list along.
_NO_LIST_OF_PACKAGES = "--experiments=disable_logging_submission_environment"


class PortableSettings(Settings):
    """Flink and Spark: where their jobs are submitted, and where their workers find Python."""

    job_endpoint: str | None = Field(default=None, pattern=_HOST_AND_PORT)
    """`host:port` of a Beam job server, which hands the work to its engine."""
    master: str | None = Field(default=None, min_length=1)
    """Instead of a job server: the engine, such as flink:8081 or spark://spark:7077. Beam then
    starts a job server here, with Java."""
    job_server_jar: str | None = Field(default=None, min_length=1)
    """What Beam starts for a master; null lets it fetch the jar of its own version."""
    worker_pool: str | None = Field(default="localhost:50000", pattern=_HOST_AND_PORT)
    """Beam's Python worker pool, as the engine's workers see it: `localhost` is a sidecar. null
    lets the submitting process do the work (Beam's LOOPBACK), which only this machine can."""
    worker_processes: int = Field(default=1, ge=0)
    """Python processes of a pool for each worker of the engine; 0 lets the engine choose."""
    parallelism: int | None = Field(default=None, ge=1)
    """Of a Flink job; null leaves it to the cluster's `parallelism.default`."""


class DataflowSettings(Settings):
    """Google Cloud Dataflow, for which the pipeline's artifacts must lie in a bucket."""

    project: str | None = Field(default=None, min_length=1)
    """Google Cloud project."""
    region: str | None = Field(default=None, min_length=1)
    """Such as europe-west4."""
    temp_location: str | None = Field(default=None, pattern=_BUCKET)
    """A gs:// folder for temporary files."""
    staging_location: str | None = Field(default=None, pattern=_BUCKET)
    """A gs:// folder for what is uploaded; null is a folder of `temp_location`."""
    image: str | None = Field(default=None, min_length=1)
    """A container with this project, its packages and Beam's `/opt/apache/beam/boot`."""
    max_workers: int | None = Field(default=None, ge=1)
    """Most machines; null leaves it to Dataflow."""


class BeamSettings(Settings):
    """How Apache Beam runs the steps that process the corpus (kubeflow/flink/README.md).

    The sections of other runners are ignored.
    """

    runner: Literal["direct", "flink", "spark", "dataflow"] = "direct"
    """direct is one worker on this machine. After a change, all steps run again."""
    portable: PortableSettings = Field(default_factory=PortableSettings)
    dataflow: DataflowSettings = Field(default_factory=DataflowSettings)
    pipeline_args: list[str] = Field(default_factory=list)
    """Beam's own options, for any runner. They come last, so they win."""

    @model_validator(mode="after")
    def _can_be_run(self) -> "BeamSettings":
        if self.runner in _MASTERS:
            _check_portable(self.runner, self.portable)
        elif self.runner == "dataflow":
            _check_dataflow(self.dataflow)
        return self


def beam_arguments(settings: BeamSettings, pipeline_root: str) -> list[str]:
    """The arguments of Beam's pipelines, as `PipelineOptions` reads them.

    Args:
      settings: what to run on.
      pipeline_root: where the artifacts lie; the engine's workers read and write there.

    Raises:
      UserError: the workers can never reach that place.
    """
    return [*_RUNNERS[settings.runner](settings, pipeline_root), *settings.pipeline_args]


def _direct(settings: BeamSettings, pipeline_root: str) -> list[str]:
    """One worker in memory: for corpora that fit on one machine, several processes are slower."""
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
    # Everything is imported from the image: the main module need not be pickled.
    return ["--runner=DataflowRunner", *given, "--no_save_main_session", _NO_LIST_OF_PACKAGES]


_RUNNERS = {"direct": _direct, "flink": _flink, "spark": _spark, "dataflow": _dataflow}


def _submission(portable: PortableSettings, started: list[str], master: str, jar: str) -> list[str]:
    """Who takes the job: a job server that runs, or one that Beam starts, `started` with options
    named `master` and `jar`."""
    if portable.job_endpoint is not None:
        return ["--runner=PortableRunner", f"--job_endpoint={portable.job_endpoint}"]
    arguments = [*started, f"--{master}={portable.master}"]
    if portable.job_server_jar is not None:
        arguments.append(f"--{jar}={portable.job_server_jar}")
    return arguments


def _workers(portable: PortableSettings) -> list[str]:
    """Who runs the Python code."""
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
    """Raises a ValueError for what cannot go together."""
    address = portable.job_endpoint or portable.master
    if address is None:
        raise ValueError(
            f"the runner {runner} needs portable.job_endpoint, the host:port of Beam's job server, "
            "or portable.master, for which Beam starts one here."
        )
    if portable.job_endpoint is not None and portable.master is not None:
        raise ValueError(
            "portable.job_endpoint and portable.master exclude each other: a job server knows its "
            "master. Keep one of them."
        )
    if portable.job_endpoint is not None and portable.job_server_jar is not None:
        raise ValueError(
            "portable.job_server_jar is what Beam starts for portable.master, and there is "
            "portable.job_endpoint already. Leave one of them out."
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
            f"without portable.worker_pool this process does the work itself, and {address} is on "
            "another machine, which does not reach it. Name the pool, such as localhost:50000 for "
            "a sidecar."
        )


def _check_dataflow(dataflow: DataflowSettings) -> None:
    """Raises a ValueError for what is missing."""
    needed = ("project", "region", "temp_location", "image")
    missing = [f"dataflow.{name}" for name in needed if getattr(dataflow, name) is None]
    if missing:
        raise ValueError(f"the runner dataflow needs {', '.join(missing)}.")
