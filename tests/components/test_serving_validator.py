"""Two real runs on ML Metadata, with a valid export and with an invalid one."""

import contextlib
import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tfx.components import Pusher
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2
from tfx.types import Channel, standard_artifacts
from tfx.utils import io_utils

from components import serving_validator
from components.serving_validator import Executor, ServingValidator
from serving.local.outside_cause import OutsideCauseError
from tests.serving.standin_model import export_standin


@dataclass(frozen=True)
class Run:
    """The result of a run."""

    blessing: Path
    blessed: int
    pushed: int
    served: list[Path]

    @property
    def report(self) -> dict:
        return json.loads((self.blessing / "serving_validation.json").read_text(encoding="utf-8"))


def run_pipeline(folder: Path, fault: str | None) -> Run:
    """Runs a model through ServingValidator and the stock Pusher."""
    export_standin(folder / "model" / "Format-Serving", fault)
    served = folder / "served"
    served.mkdir(exist_ok=True)
    importer = Importer(
        source_uri=str(folder / "model"), artifact_type=standard_artifacts.Model
    ).with_id("trained")
    validator = ServingValidator(model=importer.outputs["result"], code_digest="0123")
    pusher = Pusher(
        model=importer.outputs["result"],
        infra_blessing=validator.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(served))
        ),
    )
    connection = metadata.sqlite_metadata_connection_config(str(folder / "metadata.db"))
    LocalDagRunner().run(
        Pipeline(
            pipeline_name="serving-validator-test",
            pipeline_root=str(folder / "root"),
            components=[importer, validator, pusher],
            metadata_connection_config=connection,
        )
    )
    with metadata.Metadata(connection) as handler:
        (blessing,) = handler.store.get_artifacts_by_type("InfraBlessing")
        (pushed,) = handler.store.get_artifacts_by_type("PushedModel")
    return Run(
        Path(blessing.uri),
        blessing.custom_properties["blessed"].int_value,
        pushed.custom_properties["pushed"].int_value,
        list(served.iterdir()),
    )


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Run:
    return run_pipeline(tmp_path_factory.mktemp("sound"), None)


@pytest.fixture(scope="module")
def unsound(tmp_path_factory) -> Run:
    return run_pipeline(tmp_path_factory.mktemp("unsound"), "attention_sum")


@contextlib.contextmanager
def checks_killed() -> Iterator[list[int]]:
    """Kills each process that checks an export, as the kernel does when memory is short."""
    killed: list[int] = []
    is_over = threading.Event()

    def kill_checks() -> None:
        while not is_over.wait(0.1):
            for child in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
                for pid in child.read_text(encoding="ascii").split():
                    command = Path(f"/proc/{pid}/cmdline").read_bytes()
                    if b"serving.export.check" in command:
                        os.kill(int(pid), signal.SIGKILL)
                        killed.append(int(pid))

    thread = threading.Thread(target=kill_checks, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        is_over.set()
        thread.join()


def test_a_check_that_is_killed_is_tried_again_by_the_next_run(tmp_path):
    with checks_killed() as killed, pytest.raises(OutsideCauseError, match="killed by SIGKILL"):
        run_pipeline(tmp_path, None)
    assert len(set(killed)) == 2
    assert run_pipeline(tmp_path, None).blessed == 1


def test_an_export_that_answers_is_blessed_as_by_infra_validator(sound):
    assert sound.blessed == 1
    assert (sound.blessing / "INFRA_BLESSED").read_bytes() == b""
    assert not (sound.blessing / "INFRA_NOT_BLESSED").exists()


def test_a_blessed_export_is_pushed_by_the_stock_pusher(sound):
    assert sound.pushed == 1
    (version,) = sound.served
    assert (version / "saved_model.pb").is_file()


def test_the_report_of_a_blessed_export_lists_the_requests(sound):
    assert sound.report["passed"] is True
    assert len(sound.report["requests"]) > 10


def test_an_export_with_wrong_answers_is_not_blessed_as_by_infra_validator(unsound):
    assert unsound.blessed == 0
    assert (unsound.blessing / "INFRA_NOT_BLESSED").read_bytes() == b""
    assert not (unsound.blessing / "INFRA_BLESSED").exists()


def test_the_run_goes_on_and_nothing_unblessed_is_pushed(unsound):
    assert unsound.pushed == 0
    assert unsound.served == []


def test_the_report_of_an_unblessed_export_names_the_problems_one_by_one(unsound):
    problems = unsound.report["problems"]
    assert problems[0]["request"] == "serving_default, sentence 1 alone"
    assert "attention rows do not sum to 1" in problems[0]["problem"]


def execute(folder: Path, **exec_properties: object) -> standard_artifacts.InfraBlessing:
    """Calls the executor on a folder with `model/Format-Serving`."""
    model, blessing = standard_artifacts.Model(), standard_artifacts.InfraBlessing()
    model.uri, blessing.uri = str(folder / "model"), str(folder / "blessing")
    Executor().Do({"model": [model]}, {"blessing": [blessing]}, exec_properties)
    return blessing


def test_a_check_that_leaves_no_report_is_an_error_and_no_blessing(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(OutsideCauseError, match="left no report"):
        execute(tmp_path, max_seconds_per_request=1.0)
    assert not (tmp_path / "blessing").exists()


def test_the_time_limit_reaches_the_check(tmp_path, monkeypatch):
    limits = []

    def check(directory, limit):
        limits.append(limit)
        return serving_validator.ExportReport(model=directory, problems=())

    monkeypatch.setattr(serving_validator, "run_export_check", check)
    execute(tmp_path, max_seconds_per_request=12.5)
    assert limits == [12.5]


def test_a_remote_export_is_brought_here_for_the_check(tmp_path, monkeypatch):
    seen = []

    def check(directory, limit):
        seen.append((directory, Path(directory, "saved_model.pb").read_text(encoding="utf-8")))
        return serving_validator.ExportReport(model=directory, problems=())

    monkeypatch.setattr(serving_validator, "run_export_check", check)
    model, blessing = standard_artifacts.Model(), standard_artifacts.InfraBlessing()
    # TensorFlow's file system in memory is a stand-in for a bucket.
    model.uri, blessing.uri = "ram://bucket/model", str(tmp_path / "blessing")
    io_utils.write_string_file("ram://bucket/model/Format-Serving/saved_model.pb", "graph")
    Executor().Do({"model": [model]}, {"blessing": [blessing]}, {})
    assert [content for _, content in seen] == ["graph"]
    assert not Path(seen[0][0]).exists()


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_time_limit_that_is_not_above_zero_is_refused(limit):
    model = Channel(type=standard_artifacts.Model)
    with pytest.raises(ValueError, match="must be above 0"):
        ServingValidator(model=model, max_seconds_per_request=limit)


def test_new_checks_look_at_a_cached_model_again():
    model = Channel(type=standard_artifacts.Model)
    old, new = (ServingValidator(model=model, code_digest=digest) for digest in ("old", "new"))
    assert old.exec_properties != new.exec_properties
