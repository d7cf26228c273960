"""The versions of a model directory: complete ones, the live one, and ignored ones."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.versions.directory import (
    NoLiveModelError,
    fingerprint,
    foreign_entries,
    list_versions,
    live_version,
    require_live_version,
    time_of,
)

# A SavedModel message: schema version 1 (field 1), one graph of five bytes (field 2).
GRAPH = b"\x08\x01\x12\x05graph"


def write_version(folder: Path, name: str, content: bytes = GRAPH) -> Path:
    version = folder / name
    (version / "variables").mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(content)
    (version / "variables" / "variables.index").write_bytes(b"index")
    (version / "variables" / "variables.data-00000-of-00001").write_bytes(b"weights")
    return version


def test_versions_are_ordered_as_numbers(tmp_path: Path) -> None:
    for name in ("10", "9", "1700000000"):
        write_version(tmp_path, name)
    assert [version.number for version in list_versions(tmp_path)] == [9, 10, 1700000000]


def test_a_number_of_a_push_is_its_time_and_one_given_by_hand_is_not() -> None:
    assert time_of(1_700_000_000) == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert time_of(7) is None
    assert time_of(10**17) is None


def test_the_live_version_is_the_highest_complete_one(tmp_path: Path) -> None:
    write_version(tmp_path, "1")
    write_version(tmp_path, "2")
    (write_version(tmp_path, "3") / "saved_model.pb").unlink()
    live = live_version(tmp_path)
    assert live is not None
    assert (live.number, live.path) == (2, str(tmp_path / "2"))


@pytest.mark.parametrize(
    ("missing", "problem"),
    [
        ("saved_model.pb", "saved_model.pb is missing or empty"),
        ("variables/variables.index", "variables/variables.index is missing or empty"),
        ("variables/variables.data-00000-of-00001", "0 of 1 files of variables are there"),
    ],
)
def test_a_version_that_lacks_a_file_names_it(tmp_path: Path, missing: str, problem: str) -> None:
    (write_version(tmp_path, "4") / missing).unlink()
    [version] = list_versions(tmp_path)
    assert (version.complete, version.problem) == (False, problem)


@pytest.mark.parametrize("length", range(len(GRAPH)))
def test_a_saved_model_that_was_cut_off_is_not_live(tmp_path: Path, length: int) -> None:
    write_version(tmp_path, "4", content=GRAPH[:length])
    assert live_version(tmp_path) is None


def test_a_foreign_saved_model_is_not_live(tmp_path: Path) -> None:
    write_version(tmp_path, "4", content=b"half of a graph")
    [version] = list_versions(tmp_path)
    assert version.problem == "saved_model.pb is truncated or not a SavedModel"


def test_a_missing_shard_of_the_variables_is_a_problem(tmp_path: Path) -> None:
    variables = write_version(tmp_path, "4") / "variables"
    (variables / "variables.data-00000-of-00001").rename(
        variables / "variables.data-00001-of-00002"
    )
    [version] = list_versions(tmp_path)
    assert version.problem == "1 of 2 files of variables are there"


def test_foreign_entries_are_named_with_the_reason(tmp_path: Path) -> None:
    write_version(tmp_path, "1")
    (tmp_path / "7").write_bytes(b"a file")
    (tmp_path / "notes").mkdir()
    assert [(entry.name, entry.reason) for entry in foreign_entries(tmp_path)] == [
        ("7", "it is not a folder"),
        ("notes", "its name is not a version number"),
    ]


def test_a_missing_folder_has_no_versions(tmp_path: Path) -> None:
    assert list_versions(tmp_path / "nowhere") == []


def test_requiring_a_live_version_says_which_ones_are_broken(tmp_path: Path) -> None:
    (write_version(tmp_path, "5") / "saved_model.pb").unlink()
    with pytest.raises(NoLiveModelError, match=r"version 5: saved_model\.pb is missing"):
        require_live_version(tmp_path)


def test_a_copy_has_the_same_fingerprint(tmp_path: Path) -> None:
    version = write_version(tmp_path, "1")
    shutil.copytree(version, tmp_path / "elsewhere")
    assert fingerprint(tmp_path / "elsewhere") == fingerprint(version)


@pytest.mark.parametrize("change", ["content", "name", "new file"])
def test_every_change_changes_the_fingerprint(tmp_path: Path, change: str) -> None:
    version = write_version(tmp_path, "1")
    before = fingerprint(version)
    graph = version / "saved_model.pb"
    if change == "content":
        graph.write_bytes(GRAPH[:-1] + b"H")
    elif change == "name":
        graph.rename(version / "saved_model.pbtxt")
    else:
        (version / "assets").mkdir()
        (version / "assets" / "vocabulary").write_bytes(b"")
    assert fingerprint(version) != before


def test_reading_a_model_directory_needs_neither_tensorflow_nor_tfx() -> None:
    program = (
        "import sys, serving.versions.directory; "
        "print([name for name in ('tensorflow', 'tfx', 'apache_beam') if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert found.stdout.strip() == "[]"
