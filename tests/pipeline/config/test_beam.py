import logging
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.config.beam import BeamSettings, beam_arguments
from pipeline.config.settings import load_config
from pipeline.errors import UserError

ROOT = "/workspace/pipelines/x"
BUCKET = "gs://bucket/pipelines/x"
FLINK: dict[str, Any] = {"runner": "flink", "portable": {"job_endpoint": "nmt-beam-jobs:8099"}}
DATAFLOW: dict[str, Any] = {
    "runner": "dataflow",
    "dataflow": {
        "project": "words",
        "region": "europe-west4",
        "temp_location": "gs://bucket/temp",
        "image": "registry.example.com/attention-nmt:1",
    },
}


def settings(runner: str, **portable: Any) -> BeamSettings:
    return BeamSettings.model_validate({"runner": runner, "portable": portable}, strict=True)


def arguments(given: BeamSettings, root: str = ROOT) -> dict[str, str]:
    """The arguments by name; each of ours may be given once."""
    pairs = [argument.removeprefix("--").partition("=") for argument in beam_arguments(given, root)]
    found = {name: value for name, _, value in pairs}
    assert len(found) == len(pairs)
    return found


def refusal(values: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        BeamSettings.model_validate(values, strict=True)
    [problem] = caught.value.errors()
    return problem["msg"].removeprefix("Value error, ")


EVERY_ENGINE = {
    "direct": (BeamSettings(), ROOT),
    "flink with a job server": (BeamSettings.model_validate(FLINK), ROOT),
    "flink with a master": (settings("flink", master="flink:8081", job_server_jar="x.jar"), ROOT),
    "flink in this process": (settings("flink", master="[local]", worker_pool=None), ROOT),
    "spark with a job server": (settings("spark", job_endpoint="spark-jobs:8099"), ROOT),
    "spark with a master": (settings("spark", master="spark://spark:7077"), ROOT),
    "dataflow": (BeamSettings.model_validate(DATAFLOW), BUCKET),
}
every_engine = pytest.mark.parametrize(
    ("given", "root"), EVERY_ENGINE.values(), ids=EVERY_ENGINE.keys()
)


def test_one_worker_in_memory_is_the_default() -> None:
    found = arguments(BeamSettings())
    assert found["runner"] == "DirectRunner"
    assert (found["direct_running_mode"], found["direct_num_workers"]) == ("in_memory", "1")


def test_a_job_server_is_asked_over_its_endpoint() -> None:
    found = arguments(BeamSettings.model_validate(FLINK))
    assert (found["runner"], found["job_endpoint"]) == ("PortableRunner", "nmt-beam-jobs:8099")


@pytest.mark.parametrize(
    ("runner", "master", "expected"),
    [
        ("flink", "flink:8081", {"runner": "FlinkRunner", "flink_master": "flink:8081"}),
        ("flink", "[local]", {"runner": "FlinkRunner", "flink_master": "[local]"}),
        (
            "spark",
            "spark://spark:7077",
            {"runner": "SparkRunner", "spark_master_url": "spark://spark:7077"},
        ),
        ("spark", "local[2]", {"runner": "SparkRunner", "spark_master_url": "local[2]"}),
    ],
)
def test_for_a_master_beam_starts_the_job_server_of_its_jar(
    runner: str, master: str, expected: dict[str, str]
) -> None:
    found = arguments(settings(runner, master=master, job_server_jar="jobs.jar"))
    assert expected.items() <= found.items()
    assert found[f"{runner}_job_server_jar"] == "jobs.jar"


def test_the_worker_pool_is_a_sidecar_unless_told_otherwise() -> None:
    found = arguments(settings("flink", job_endpoint="jobs:8099", worker_processes=4))
    assert (found["environment_type"], found["environment_config"]) == (
        "EXTERNAL",
        "localhost:50000",
    )
    assert found["sdk_worker_parallelism"] == "4"


def test_without_a_pool_the_submitting_process_works() -> None:
    found = arguments(settings("spark", master="local[2]", worker_pool=None))
    assert found["environment_type"] == "LOOPBACK"
    assert "environment_config" not in found


def test_parallelism_is_left_to_the_cluster_unless_given() -> None:
    assert "parallelism" not in arguments(settings("flink", job_endpoint="jobs:8099"))
    found = arguments(settings("flink", job_endpoint="jobs:8099", parallelism=2))
    assert found["parallelism"] == "2"


def test_dataflow_is_told_its_places_and_its_image() -> None:
    found = arguments(BeamSettings.model_validate(DATAFLOW), BUCKET)
    assert found["runner"] == "DataflowRunner"
    assert found["sdk_container_image"] == "registry.example.com/attention-nmt:1"
    assert (found["project"], found["region"]) == ("words", "europe-west4")
    assert found["temp_location"] == "gs://bucket/temp"
    assert not {"staging_location", "max_num_workers"} & found.keys()


def test_the_users_own_arguments_come_last() -> None:
    given = BeamSettings(pipeline_args=["--direct_num_workers=2", "--profile_cpu"])
    assert beam_arguments(given, ROOT)[-2:] == given.pipeline_args


@every_engine
def test_tfx_does_not_pack_its_sources_for_the_workers(given: BeamSettings, root: str) -> None:
    dependency_utils = pytest.importorskip("tfx.utils.dependency_utils")
    found = beam_arguments(given, root)
    assert dependency_utils.make_beam_dependency_flags(list(found)) == found


@every_engine
def test_beam_knows_every_argument(
    given: BeamSettings, root: str, caplog: pytest.LogCaptureFixture
) -> None:
    from apache_beam.options.pipeline_options import PipelineOptions

    with caplog.at_level(logging.WARNING):
        PipelineOptions(beam_arguments(given, root)).get_all_options()
    assert "unparseable" not in caplog.text


@every_engine
def test_beam_finds_nothing_wrong_with_the_arguments(given: BeamSettings, root: str) -> None:
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
    from apache_beam.runners import create_runner

    # Otherwise Beam asks Google about the bucket, and waits for minutes where there is no network.
    options = PipelineOptions([*beam_arguments(given, root), "--dry_run=true"])
    runner = create_runner(arguments(given, root)["runner"])
    assert PipelineOptionsValidator(options, runner).validate() == []


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"runner": "flink"},
            "the runner flink needs portable.job_endpoint, the host:port of Beam's job server, "
            "or portable.master; Beam then starts a job server here.",
        ),
        (
            {"runner": "spark", "portable": {"job_endpoint": "jobs:8099", "master": "local"}},
            "portable.job_endpoint and portable.master exclude each other: a job server knows its "
            "master. Keep one of them.",
        ),
        (
            {"runner": "flink", "portable": {"job_endpoint": "jobs:8099", "job_server_jar": "x"}},
            "portable.job_server_jar is only for portable.master, but portable.job_endpoint is "
            "set. Leave one of them out.",
        ),
        (
            {"runner": "flink", "portable": {"master": "spark://spark:7077"}},
            "portable.master of flink is spark://spark:7077, but it must look like "
            "[local], host:port or http://host:port.",
        ),
        (
            {"runner": "spark", "portable": {"master": "spark:7077"}},
            "portable.master of spark is spark:7077, but it must look like "
            "local, local[2] or spark://host:port.",
        ),
        (
            {"runner": "spark", "portable": {"master": "local", "parallelism": 2}},
            "portable.parallelism is Flink's. Leave it out and set spark.default.parallelism where "
            "Spark's job server is started.",
        ),
        (
            {"runner": "flink", "portable": {"job_endpoint": "jobs:8099", "worker_pool": None}},
            "without portable.worker_pool this process does the work itself, but jobs:8099 is on "
            "another machine and cannot reach it. Name the pool, such as localhost:50000 for a "
            "sidecar.",
        ),
        (
            {"runner": "dataflow", "dataflow": {"project": "words"}},
            "the runner dataflow needs dataflow.region, dataflow.temp_location, dataflow.image.",
        ),
    ],
)
def test_what_cannot_go_together_is_refused_with_what_to_do(
    values: dict[str, Any], sentence: str
) -> None:
    assert refusal(values) == sentence


@pytest.mark.parametrize("endpoint", ["localhost:8099", "127.0.0.1:8099", "[::1]:8099"])
def test_a_job_server_on_this_machine_may_let_this_process_work(endpoint: str) -> None:
    found = arguments(settings("flink", job_endpoint=endpoint, worker_pool=None))
    assert found["environment_type"] == "LOOPBACK"


@pytest.mark.parametrize("endpoint", ["jobs", "http://jobs:8099", "jobs:8099/", ""])
def test_an_endpoint_is_a_host_and_a_port(endpoint: str) -> None:
    with pytest.raises(ValidationError, match="job_endpoint"):
        settings("flink", job_endpoint=endpoint)


def test_the_sections_of_other_runners_are_not_looked_at() -> None:
    assert arguments(settings("direct", master="spark://spark:7077", parallelism=3)) == arguments(
        BeamSettings()
    )


def test_dataflow_needs_its_artifacts_in_a_bucket() -> None:
    with pytest.raises(UserError, match=f"workers cannot reach {ROOT}: .* bucket"):
        beam_arguments(BeamSettings.model_validate(DATAFLOW), ROOT)


def test_a_refusal_names_the_section_of_the_file(tmp_path: Any) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "data:\n  corpus: mine\n  source_language: en\n  target_language: fr\n"
        "beam:\n  runner: flink\n",
        encoding="utf-8",
    )
    with pytest.raises(UserError, match=r"mine\.yaml, line 5: beam: the runner flink needs"):
        load_config(str(path))
