import json
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.versions.directory import list_versions
from serving.versions.integrity import DamagedVersionError, damage, require_undamaged
from serving.versions.push import RollbackError, discard, push, roll_back
from serving.versions.records import read_record, record_path
from tests.serving.versions.pushed_models import STORE, write_saved_model

VOCABULARY = "assets/subwords.txt"


def push_model(folder: Path, name: str) -> Path:
    """Pushes a model with a vocabulary to `folder/models`; returns the version's folder."""
    export = write_saved_model(folder / name, name.encode())
    (export / VOCABULARY).write_text("\n".join([name] * 100), encoding="utf-8")
    path = push(str(export), str(folder / "models"), STORE, keep=5).path
    assert path is not None
    return Path(path)


@pytest.fixture
def version(tmp_path: Path) -> Path:
    return push_model(tmp_path, "model")


def cut(file: Path) -> None:
    """Cuts a file in half, as an interrupted copy does."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def change_record(version: Path, **fields: object) -> None:
    path = Path(record_path(str(version.parent), int(version.name)))
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | fields), encoding="utf-8")


def test_a_pushed_version_is_what_was_pushed(version: Path) -> None:
    assert damage(version) is None
    require_undamaged(f"{version}/")


def test_a_vocabulary_cut_in_half_is_named(version: Path) -> None:
    cut(version / VOCABULARY)
    assert list_versions(version.parent)[0].complete  # its form alone shows nothing
    assert damage(version) == f"{VOCABULARY} is not the file that was pushed"
    with pytest.raises(
        DamagedVersionError, match=f"{version} is damaged: {VOCABULARY} is not .*Put"
    ):
        require_undamaged(version)


def test_a_missing_file_is_named(version: Path) -> None:
    (version / VOCABULARY).unlink()
    assert damage(version) == f"{VOCABULARY} is missing"


def test_a_file_that_was_added_is_no_damage(version: Path) -> None:
    (version / "NOTES.md").write_text("Good.", encoding="utf-8")
    assert damage(version) is None


@pytest.mark.parametrize("fields", [{"fingerprint": "0" * 64}, {"files": {VOCABULARY: "0" * 64}}])
def test_a_changed_record_is_named(version: Path, fields: dict[str, object]) -> None:
    change_record(version, **fields)
    problem = damage(version)
    assert (
        problem == f"{record_path(str(version.parent), int(version.name))} is not the record "
        "of its push any more"
    )


def test_a_record_that_cannot_be_read_is_named(version: Path) -> None:
    path = record_path(str(version.parent), int(version.name))
    cut(Path(path))
    assert f"cannot be compared with its push ({path} is not the record" in (damage(version) or "")


@pytest.mark.parametrize("fault", [lambda version: cut(version / VOCABULARY), None])
def test_a_record_of_an_earlier_release_tells_only_whether_the_whole_is_right(
    version: Path, fault: Callable[[Path], None] | None
) -> None:
    change_record(version, files={})
    if fault is None:
        assert damage(version) is None
    else:
        fault(version)
        assert "its files are not those that were pushed, or" in (damage(version) or "")


def test_a_version_without_a_record_is_not_compared(tmp_path: Path) -> None:
    version = write_saved_model(tmp_path / "models/7", b"by hand")
    assert damage(version) is None
    assert damage(tmp_path / "models/7/..") is None
    assert read_record(str(tmp_path / "models"), 7) is None


def test_no_rollback_goes_to_a_damaged_version(tmp_path: Path) -> None:
    first, second, _ = (push_model(tmp_path, name) for name in ("one", "two", "three"))
    cut(second / VOCABULARY)
    folder = str(tmp_path / "models")
    with pytest.raises(RollbackError, match=f"{second.name} is broken: {VOCABULARY} is not the"):
        roll_back(folder, STORE, to=int(second.name))
    back = roll_back(folder, STORE)
    assert back.restored == int(first.name)
    assert damage(tmp_path / "models" / str(back.version)) is None
    cut(tmp_path / "models" / str(back.version) / VOCABULARY)
    assert damage(tmp_path / "models" / str(back.version)) is not None


def test_only_a_damaged_version_can_be_discarded(tmp_path: Path) -> None:
    first, second = push_model(tmp_path, "one"), push_model(tmp_path, "two")
    folder, number = str(first.parent), int(second.name)
    with pytest.raises(RollbackError, match="is as it was pushed, and was not removed"):
        discard(folder, STORE, number)
    cut(second / VOCABULARY)
    assert discard(folder, STORE, number) == f"{VOCABULARY} is not the file that was pushed"
    assert [version.path for version in list_versions(folder)] == [str(first)]
    assert not list(Path(folder, ".nmt").glob("*removed*"))
    record = read_record(folder, number)
    assert record is not None
    assert record.state == "retired"
    with pytest.raises(RollbackError, match="There is no version"):
        discard(folder, STORE, number)
