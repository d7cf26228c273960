"""AtomicPusher: its blessings, its artifact, and real runs with LiveModel.

`tests/serving/versions/test_push.py` tests the rules for going live, and `test_publishing.py` the
writing of versions.
"""

import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.types import Channel, standard_artifacts

from components.atomic_pusher import AtomicPusher, Executor
from components.live_model import LiveModel
from components.tfx_store import TfxStore, store_for
from serving.versions.directory import fingerprint, list_versions
from serving.versions.push import push, roll_back
from serving.versions.store import LocalStore


def write_model(folder: Path, content: bytes) -> Path:
    """Writes the folder of a Model artifact; its SavedModel's graph is one field of these bytes."""
    model = folder / "Format-Serving"
    (model / "variables").mkdir(parents=True)
    (model / "saved_model.pb").write_bytes(bytes([0x12, len(content)]) + content)
    (model / "variables" / "variables.index").write_bytes(b"index")
    (model / "variables" / "variables.data-00000-of-00001").write_bytes(content)
    return folder


def contents(serving: Path) -> list[str]:
    """Returns the model of each version, in ascending order of versions."""
    return [
        Path(version.path, "variables/variables.data-00000-of-00001").read_text(encoding="utf-8")
        for version in list_versions(serving)
    ]


class World:
    """A serving directory and the executor, with artifacts made by hand."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.serving = root / "models"

    def model(self, name: str) -> Any:
        artifact = standard_artifacts.Model()
        folder = self.root / name
        artifact.uri = str(folder if folder.exists() else write_model(folder, name.encode()))
        return artifact

    def push(
        self,
        name: str,
        *,
        blessed: tuple[int | None, int | None] = (1, 1),
        baseline: tuple[str, ...] | None = None,
    ) -> Any:
        kinds = (standard_artifacts.ModelBlessing, standard_artifacts.InfraBlessing)
        inputs = {"model": [self.model(name)]}
        for key, kind, value in zip(
            ("model_blessing", "infra_blessing"), kinds, blessed, strict=True
        ):
            inputs[key] = []
            if value is not None:
                inputs[key].append(kind())
                inputs[key][0].set_int_custom_property("blessed", value)
        if baseline is not None:
            inputs["baseline_model"] = [self.model(each) for each in baseline]
        pushed = standard_artifacts.PushedModel()
        pushed.uri = str(self.root / f"pushed-{len(list(self.root.iterdir()))}")
        os.mkdir(pushed.uri)
        Executor().Do(
            inputs,
            {"pushed_model": [pushed]},
            {
                "push_destination": json.dumps(
                    {"filesystem": {"base_directory": str(self.serving)}}
                ),
                "custom_config": json.dumps(
                    {"keep_versions": 5, "has_baseline_channel": baseline is not None}
                ),
            },
        )
        return pushed


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_blessed_model_is_pushed_and_archived_with_the_properties_of_the_stock_pusher(
    world: World,
) -> None:
    pushed = world.push("one")
    [version] = list_versions(world.serving)
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_destination") == version.path
    assert pushed.get_string_custom_property("pushed_version") == str(version.number)
    assert fingerprint(pushed.uri) == fingerprint(version.path)


@pytest.mark.parametrize("blessed", [(0, 1), (1, 0), (0, 0), (None, 1), (1, None), (None, None)])
def test_nothing_is_pushed_unless_both_bless_it(
    world: World, blessed: tuple[int | None, int | None]
) -> None:
    pushed = world.push("one", blessed=blessed)
    assert pushed.get_int_custom_property("pushed") == 0
    assert pushed.get_string_custom_property("reason") == "The gate did not pass it."
    assert list_versions(world.serving) == []


def test_what_is_live_is_not_pushed_again_and_counts_as_pushed(world: World) -> None:
    first, again = world.push("one"), world.push("one")
    for name in ("pushed_destination", "pushed_version"):
        assert again.get_string_custom_property(name) == first.get_string_custom_property(name)
    assert contents(world.serving) == ["one"]


def test_a_model_that_was_judged_against_what_is_live_goes_out(world: World) -> None:
    world.push("one", baseline=())
    world.push("two", baseline=("one",))
    assert contents(world.serving) == ["one", "two"]


def test_of_two_runs_that_end_at_once_the_second_is_judged_again(world: World) -> None:
    world.push("one", baseline=())
    world.push("two", baseline=("one",))
    late = world.push("three", baseline=("one",))
    assert late.get_int_custom_property("pushed") == 0
    assert "compared with another model" in late.get_string_custom_property("reason")
    assert contents(world.serving) == ["one", "two"]


def test_fewer_than_two_versions_cannot_be_kept() -> None:
    channels: dict[str, Any] = {
        "model": Channel(standard_artifacts.Model),
        "model_blessing": Channel(standard_artifacts.ModelBlessing),
        "infra_blessing": Channel(standard_artifacts.InfraBlessing),
    }
    with pytest.raises(ValueError, match="keep_versions must be 2 or more, not 1"):
        AtomicPusher(**channels, serving_directory="/models", keep_versions=1)


def test_remote_folders_are_reached_through_tfx_and_local_ones_without_it() -> None:
    assert isinstance(store_for("gs://bucket/models", "/tmp/candidate"), TfxStore)
    assert isinstance(store_for("/models", "/tmp/candidate"), LocalStore)


def test_tfxs_file_access_publishes_retires_and_rolls_back(world: World) -> None:
    times = (datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=n) for n in range(1000))
    serving, store = str(world.serving), TfxStore()
    for name in ("one", "two", "three"):
        candidate = f"{world.model(name).uri}/Format-Serving"
        push(candidate, serving, store, keep=2, clock=lambda: next(times))
    assert contents(world.serving) == ["two", "three"]
    roll_back(serving, store, clock=lambda: next(times))
    assert contents(world.serving) == ["two", "three", "two"]


@dataclass(frozen=True)
class Run:
    """The result of a run of LiveModel and AtomicPusher."""

    contents: list[str]
    pusher: str
    reason: str


class Pipelines:
    """Real runs on one serving directory, with given blessings."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.serving = root / "models"
        self.connection = sqlite_metadata_connection_config(str(root / "metadata.db"))

    def pipeline(self, name: str) -> Pipeline:
        folder = self.root / name
        if not folder.exists():
            write_model(folder, name.encode())
        imported = [
            Importer(source_uri=str(folder), artifact_type=kind, custom_properties=values)
            .with_id(kind.TYPE_NAME)
            for kind, values in (
                (standard_artifacts.Model, {}),
                (standard_artifacts.ModelBlessing, {"blessed": 1}),
                (standard_artifacts.InfraBlessing, {"blessed": 1}),
            )
        ]  # fmt: skip
        model, blessing, infra_blessing = (each.outputs["result"] for each in imported)
        live = LiveModel(model=model, serving_directory=str(self.serving))
        pusher = AtomicPusher(
            model=model,
            model_blessing=blessing,
            infra_blessing=infra_blessing,
            baseline_model=live.outputs["model"],
            serving_directory=str(self.serving),
        )
        return Pipeline(
            "push-test",
            pipeline_root=str(self.root / "artifacts"),
            components=[*imported, live, pusher],
            enable_cache=True,
            metadata_connection_config=self.connection,
        )

    def run(self, name: str) -> Run:
        LocalDagRunner().run(self.pipeline(name))
        with metadata.Metadata(self.connection) as handle:
            store: Any = handle.store
            newest = max(store.get_contexts_by_type("pipeline_run"), key=lambda run: run.id)
            kinds = {kind.id: kind.name.rsplit(".", 1)[-1] for kind in store.get_execution_types()}
            [pusher] = [
                execution
                for execution in store.get_executions_by_context(newest.id)
                if kinds[execution.type_id] == "AtomicPusher"
            ]
            events = store.get_events_by_execution_ids([pusher.id])
            output = metadata_store_pb2.Event.OUTPUT  # type: ignore[attr-defined]
            [pushed] = store.get_artifacts_by_id(
                [event.artifact_id for event in events if event.type == output]
            )
        state = metadata_store_pb2.Execution.State.Name  # type: ignore[attr-defined]
        return Run(
            contents(self.serving),
            state(pusher.last_known_state),
            pushed.custom_properties["reason"].string_value,
        )


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    world = Pipelines(tmp_path_factory.mktemp("runs"))
    runs = {name: world.run(name.split()[0]) for name in ("one", "one again", "two", "two again")}
    taken_back = list_versions(world.serving)[-1]
    roll_back(str(world.serving), LocalStore(), reason="it invents names")
    runs["two after the rollback"] = world.run("two")
    runs["two once more"] = world.run("two")
    shutil.rmtree(taken_back.path)
    runs["two without its version"] = world.run("two")
    runs["three"] = world.run("three")
    return runs


@pytest.mark.slow
def test_runs_push_one_model_after_the_other(history: dict[str, Run]) -> None:
    assert history["one"].contents == ["one"]
    assert history["two"].contents == ["one", "two"]


@pytest.mark.slow
@pytest.mark.parametrize("run", ["one again", "two again", "two once more"])
def test_a_run_with_nothing_changed_is_answered_from_the_cache(
    history: dict[str, Run], run: str
) -> None:
    assert history[run].pusher == "CACHED"


@pytest.mark.slow
@pytest.mark.parametrize(
    "run", ["two after the rollback", "two once more", "two without its version"]
)
def test_a_model_that_was_rolled_back_stays_back_whatever_runs(
    history: dict[str, Run], run: str
) -> None:
    assert history[run].contents[-1] == "one"
    assert "it invents names" in history[run].reason


@pytest.mark.slow
def test_what_was_rolled_back_to_is_the_baseline_of_the_next_model(history: dict[str, Run]) -> None:
    # A model is pushed only if LiveModel's baseline is still live.
    assert history["three"].contents[-1] == "three"
