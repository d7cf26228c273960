import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components import StatisticsGen
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline

from components.curated_schema_gen import CuratedSchemaGen
from components.parallel_text import LENGTH_BUCKETS, SPLITS, curated_schema_path
from components.parallel_text_example_gen import ParallelTextExampleGen
from components.strict_example_validator import (
    ExampleAnomalyError,
    StrictExampleValidator,
    describe_anomalies,
)
from tests.components.beam_arguments import BEAM_ARGS


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yields a folder with a corpus; every split has all length buckets."""
    root = tmp_path_factory.mktemp("validator")
    (root / "corpus").mkdir()
    lines = [
        f"{'word ' * words}{number}\t{'Wort ' * words}{number}\n"
        for number in range(20)
        for words in (5, 15, 25, 35)
    ]
    for split in SPLITS:
        path = root / "corpus" / f"{split}-00000.tsv"
        path.write_text("".join(lines), encoding="utf-8")
    yield root
    shutil.rmtree(root)


@pytest.fixture
def schema_file(workspace: Path) -> Path:
    return Path(shutil.copy(curated_schema_path(), workspace / "schema.pbtxt"))


def run_pipeline(workspace: Path, schema_file: Path) -> dict[str, str]:
    """Runs ingestion to validation on one ML Metadata; returns the last state of each node."""
    examples = ParallelTextExampleGen(str(workspace / "corpus"))
    statistics = StatisticsGen(examples=examples.outputs["examples"])
    schema = CuratedSchemaGen(str(schema_file))
    validator = StrictExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    connection = sqlite_metadata_connection_config(str(workspace / "metadata.db"))
    LocalDagRunner().run(
        Pipeline(
            "validation",
            pipeline_root=str(workspace / "artifacts"),
            components=[examples, statistics, schema, validator],
            enable_cache=True,
            metadata_connection_config=connection,
            beam_pipeline_args=list(BEAM_ARGS),
        )
    )
    states = {}
    with metadata.Metadata(connection) as handle:
        for execution_type in handle.store.get_execution_types():
            executions = handle.store.get_executions_by_type(execution_type.name)
            last = max(executions, key=lambda execution: execution.id)
            node = execution_type.name.rpartition(".")[2]
            states[node] = type(last).State.Name(last.last_known_state)
    return states


def test_examples_that_fit_the_curated_schema_pass(workspace: Path, schema_file: Path) -> None:
    assert run_pipeline(workspace, schema_file)["StrictExampleValidator"] in ("COMPLETE", "CACHED")


def test_an_anomaly_stops_the_run_and_names_split_feature_and_finding(
    workspace: Path, schema_file: Path
) -> None:
    schema = schema_file.read_text(encoding="utf-8")
    schema_file.write_text(schema.replace('value: "31+"\n', ""), encoding="utf-8")

    with pytest.raises(ExampleAnomalyError) as error:
        run_pipeline(workspace, schema_file)

    _, *findings = str(error.value).splitlines()
    assert len(findings) == len(SPLITS)
    for split, finding in zip(SPLITS, findings, strict=True):
        assert f"split {split}, feature length_bucket: " in finding
        assert "31+" in finding


def test_an_edited_schema_is_imported_again_and_an_unedited_one_is_not(
    workspace: Path, schema_file: Path
) -> None:
    run_pipeline(workspace, schema_file)
    assert run_pipeline(workspace, schema_file) == {
        "ParallelTextExampleGen": "CACHED",
        "StatisticsGen": "CACHED",
        "CuratedSchemaGen": "CACHED",
        "StrictExampleValidator": "CACHED",
    }

    with schema_file.open("a", encoding="utf-8") as schema:
        schema.write("# reviewed\n")

    states = run_pipeline(workspace, schema_file)
    assert states["CuratedSchemaGen"] == "COMPLETE"
    assert states["StatisticsGen"] == "CACHED"


def test_the_node_stands_under_the_name_of_the_stock_component() -> None:
    examples = ParallelTextExampleGen("corpus")
    statistics = StatisticsGen(examples=examples.outputs["examples"])

    validator = StrictExampleValidator(
        statistics=statistics.outputs["statistics"], schema=CuratedSchemaGen().outputs["schema"]
    )

    assert validator.id == "ExampleValidator"


def test_an_anomaly_of_the_whole_data_set_is_described_too() -> None:
    anomalies = anomalies_pb2.Anomalies(
        dataset_anomaly_info=anomalies_pb2.AnomalyInfo(description="Too few examples.")
    )

    assert describe_anomalies("test", anomalies) == ["split test, data set: Too few examples."]


def test_the_curated_schema_knows_exactly_the_length_buckets() -> None:
    schema = Path(curated_schema_path()).read_text(encoding="utf-8")

    values = [line.split('"')[1] for line in schema.splitlines() if "  value:" in line]
    assert values == list(LENGTH_BUCKETS)
