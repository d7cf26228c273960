"""Choice of the baseline version; `test_gate_pipeline` tests its way through TFX and the cache."""

import shutil
from pathlib import Path

import pytest
from absl import logging
from tfx.types import standard_artifacts

from components.live_model import (
    Artifacts,
    ChangedWhileCopyingError,
    Executor,
    TfxFileSystem,
    find_baseline,
)
from serving.versions.directory import LOCAL, fingerprint, list_versions
from serving.versions.integrity import DamagedVersionError
from serving.versions.push import push, roll_back
from serving.versions.store import LocalStore


def write_saved_model(folder: Path, content: bytes) -> Path:
    """Writes the files of a SavedModel; the graph is one field of these bytes."""
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(bytes([0x12, len(content)]) + content)
    (folder / "variables" / "variables.index").write_bytes(b"index")
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(b"weights")
    return folder


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    """Returns a serving directory with versions 1 and 2, different models."""
    folder = tmp_path / "models"
    write_saved_model(folder / "1", b"one")
    write_saved_model(folder / "2", b"two")
    return folder


def baseline_number(serving: Path, candidate: Path) -> int | None:
    baseline = find_baseline(str(serving), str(candidate))
    return baseline.number if baseline else None


def test_the_baseline_is_the_highest_version(serving: Path, tmp_path: Path) -> None:
    assert baseline_number(serving, write_saved_model(tmp_path / "new", b"three")) == 2


def test_a_candidate_that_was_just_pushed_is_compared_with_what_was_live_before(
    serving: Path, tmp_path: Path
) -> None:
    assert baseline_number(serving, write_saved_model(tmp_path / "new", b"two")) == 1


def test_a_first_model_that_was_just_pushed_still_has_no_baseline(tmp_path: Path) -> None:
    candidate = write_saved_model(tmp_path / "new", b"one")
    write_saved_model(tmp_path / "models" / "1", b"one")
    assert baseline_number(tmp_path / "models", candidate) is None


def test_an_older_model_that_comes_again_is_compared_with_what_is_live(
    serving: Path, tmp_path: Path
) -> None:
    assert baseline_number(serving, write_saved_model(tmp_path / "new", b"one")) == 2


def test_a_missing_serving_directory_has_no_baseline(tmp_path: Path) -> None:
    assert baseline_number(tmp_path / "models", write_saved_model(tmp_path / "new", b"x")) is None


def test_a_corrupt_version_is_passed_over_and_named(
    serving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(
        logging, "warning", lambda message, *values: warnings.append(message % values)
    )
    (serving / "2" / "saved_model.pb").write_bytes(b"garbage")
    assert baseline_number(serving, write_saved_model(tmp_path / "new", b"three")) == 1
    assert warnings == [
        f"Version {serving / '2'} is passed over: saved_model.pb is truncated or not a SavedModel."
    ]


def test_tfxs_file_access_sees_what_the_local_one_sees(serving: Path) -> None:
    (serving / "2" / "saved_model.pb").write_bytes(b"")
    remote = TfxFileSystem()
    assert list_versions(serving, remote) == list_versions(serving, LOCAL)
    assert fingerprint(serving / "1", remote) == fingerprint(serving / "1", LOCAL)


def execute(serving: Path, candidate: Path, output: Path, **properties: str) -> Artifacts:
    """Runs the executor like TFX, on the artifacts of one candidate."""
    model, live = standard_artifacts.Model(), standard_artifacts.Model()
    model.uri, live.uri = str(candidate.parent), str(output)
    output.mkdir()
    outputs: Artifacts = {"model": [live]}
    exec_properties = {"serving_directory": str(serving), **properties}
    inputs: Artifacts = {"candidate": [model]}
    Executor().Do(inputs, outputs, exec_properties)
    return outputs


def test_the_baseline_is_copied_with_its_version_and_fingerprint(
    serving: Path, tmp_path: Path
) -> None:
    candidate = write_saved_model(tmp_path / "candidate" / "Format-Serving", b"three")
    [live] = execute(serving, candidate, tmp_path / "live")["model"]
    shutil.rmtree(serving)
    copied = fingerprint(tmp_path / "live" / "Format-Serving")
    assert live.get_string_custom_property("live_version") == "2"
    assert live.get_string_custom_property("fingerprint") == copied


def test_the_first_model_gets_no_artifact(tmp_path: Path) -> None:
    candidate = write_saved_model(tmp_path / "candidate" / "Format-Serving", b"one")
    decided = {"live_version": "", "fingerprint": ""}
    assert execute(tmp_path / "models", candidate, tmp_path / "live", **decided) == {"model": []}


def test_the_first_model_gets_an_artifact_without_content_where_no_driver_decides(
    tmp_path: Path,
) -> None:
    candidate = write_saved_model(tmp_path / "candidate" / "Format-Serving", b"one")
    [live] = execute(tmp_path / "models", candidate, tmp_path / "live")["model"]
    assert not Path(live.uri).exists()
    assert not live.has_custom_property("live_version")


def test_a_version_that_changed_since_the_decision_is_an_error(
    serving: Path, tmp_path: Path
) -> None:
    candidate = write_saved_model(tmp_path / "candidate" / "Format-Serving", b"three")
    with pytest.raises(ChangedWhileCopyingError, match="changed meanwhile; run again"):
        execute(serving, candidate, tmp_path / "live", fingerprint="of another model")


def test_what_was_rolled_back_to_is_the_baseline(serving: Path, tmp_path: Path) -> None:
    number = roll_back(str(serving), LocalStore(), to=1).version
    assert baseline_number(serving, write_saved_model(tmp_path / "new", b"three")) == number


def test_a_model_that_was_taken_back_is_no_baseline_of_the_live_one(
    serving: Path, tmp_path: Path
) -> None:
    write_saved_model(serving / "3", b"three")
    roll_back(str(serving), LocalStore(), to=2)
    assert baseline_number(serving, write_saved_model(tmp_path / "new", b"two")) == 1


def test_a_model_that_was_taken_back_and_put_live_by_hand_is_the_baseline(
    serving: Path, tmp_path: Path
) -> None:
    number = roll_back(str(serving), LocalStore(), to=1).version
    write_saved_model(serving / str(number + 1), b"two")
    assert baseline_number(serving, write_saved_model(tmp_path / "new", b"three")) == number + 1


def test_a_damaged_live_model_is_no_baseline_and_named(tmp_path: Path) -> None:
    pushed = write_saved_model(tmp_path / "pushed", b"one")
    path = push(str(pushed), str(tmp_path / "models"), LocalStore(), keep=2).path
    assert path is not None
    candidate = write_saved_model(tmp_path / "new", b"two")
    assert baseline_number(tmp_path / "models", candidate) == int(Path(path).name)
    Path(path, "variables/variables.data-00000-of-00001").write_bytes(b"weig")
    with pytest.raises(DamagedVersionError, match="variables.data-00000-of-00001 is not the file"):
        baseline_number(tmp_path / "models", candidate)
