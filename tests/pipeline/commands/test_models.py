import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from serving.versions.push import push
from serving.versions.store import LocalStore

GRAPH = b"\x08\x01\x12\x02\x0a\x00"
"""The shortest SavedModel: its schema version, and one empty graph."""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace in which `debian` has a live version, an older one and a broken newer one."""
    folder = tmp_path / "models/debian"
    for version in ("5", "1700000000"):
        variables = folder / version / "variables"
        variables.mkdir(parents=True)
        (folder / version / "saved_model.pb").write_bytes(GRAPH)
        (variables / "variables.index").write_bytes(b"index")
        (variables / "variables.data-00000-of-00001").write_bytes(b"values")
    (folder / "1700000001").mkdir()
    card = folder / "1700000000/assets.extra/model_card.json"
    card.parent.mkdir()
    card.write_text(json.dumps({"languages": ["en", "de"]}), encoding="utf-8")
    return tmp_path


def _answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_list_is_ascending_and_marks_the_live_version(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = _answer(capsys, "models", "list", "--workspace", str(workspace))
    assert [(version["version"], version["live"]) for version in answer["versions"]] == [
        (5, False),
        (1700000000, True),
        (1700000001, False),
    ]


def test_the_list_says_what_an_incomplete_version_lacks(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "list", "--workspace", str(workspace)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "         5  -                     complete",
        "1700000000  2023-11-14T22:13:20Z  live",
        "1700000001  2023-11-14T22:13:21Z  saved_model.pb is missing or empty",
    ]


def test_an_entry_that_is_no_version_is_named(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "models/debian/notes.txt").write_text("", encoding="utf-8")
    main(["models", "list", "--workspace", str(workspace)])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "notes.txt is passed over: its name is not a version number."


def test_a_workspace_without_models_is_an_empty_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "list", "--workspace", str(tmp_path)]) == 0
    assert capsys.readouterr().out == (
        f"No version of debian lies in {tmp_path}/models/debian yet; `nmt run` makes one.\n"
    )


def test_the_configuration_names_the_model(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["models", "list", "--workspace", str(workspace), "--set", "name=other"]
    answer = _answer(capsys, *arguments)
    assert (answer["model"], answer["versions"]) == ("other", [])


def test_without_a_number_the_live_version_is_shown_with_its_card(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = _answer(capsys, "models", "show", "--workspace", str(workspace))
    assert answer == {
        "model": "debian",
        "version": 1700000000,
        "live": True,
        "pushed": "2023-11-14T22:13:20Z",
        "by": None,
        "rollback": None,
        "taken_back": None,
        "problem": None,
        "path": f"{workspace}/models/debian/1700000000",
        "bytes": len(GRAPH) + len("indexvalues") + len('{"languages": ["en", "de"]}'),
        "card": {"languages": ["en", "de"]},
    }


def test_a_version_without_a_card_is_shown_without_one(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _answer(capsys, "models", "show", "5", "--workspace", str(workspace))["card"] is None


def test_an_unknown_version_is_refused_with_those_that_exist(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "show", "6", "--workspace", str(workspace)]) == 2
    assert capsys.readouterr().err == (
        f"nmt: There is no version 6 of debian in {workspace}/models/debian; "
        "versions: 5, 1700000000, 1700000001.\n"
    )


def test_showing_the_live_version_where_none_is_live_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "show", "--workspace", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("nmt: No model is live in ")


def test_a_broken_card_is_refused_with_its_path(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = workspace / "models/debian/1700000000/assets.extra/model_card.json"
    card.write_text("{", encoding="utf-8")
    assert main(["models", "show", "--workspace", str(workspace)]) == 2
    assert capsys.readouterr().err.startswith(f"nmt: {card} is not a model card, it is not JSON: ")


def test_a_remote_workspace_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--workspace", "gs://bucket"]) == 2
    assert "gs://bucket/models/debian is remote" in capsys.readouterr().err


def _rolled_back(workspace: Path, *arguments: str) -> int:
    return main(["models", "rollback", *arguments, "--workspace", str(workspace)])


def test_a_rollback_makes_the_version_before_live_again(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "models/debian/5/saved_model.pb").write_bytes(GRAPH + GRAPH)
    answer = _answer(
        capsys, "models", "rollback", "--reason", "worse names", "--workspace", str(workspace)
    )
    assert (answer["restored"], answer["replaced"]) == (5, 1700000000)
    assert answer["reason"] == "worse names"
    versions = _answer(capsys, "models", "list", "--workspace", str(workspace))["versions"]
    live = versions[-1]
    assert (live["version"], live["live"]) == (answer["version"], True)
    assert live["rollback"]["reason"] == "worse names"
    assert live["rollback"]["by"] == answer["by"]


def test_the_list_says_what_was_taken_back_and_what_is_live_again(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "models/debian/5/saved_model.pb").write_bytes(GRAPH + GRAPH)
    assert _rolled_back(workspace, "5", "--reason", "worse names") == 0
    said = capsys.readouterr().out
    assert "Version 5 of debian is live again, as version " in said
    assert "Taken back: 1700000000. No run pushes that again" in said
    main(["models", "list", "--workspace", str(workspace)])
    lines = capsys.readouterr().out.splitlines()
    live = lines[-1].split()[0]
    assert f"complete; taken back for {live} by " in lines[1]
    assert "live; 5 again, by " in lines[-1]
    assert lines[-1].endswith("(worse names)")


def test_going_forward_again_is_a_rollback_too(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "models/debian/5/saved_model.pb").write_bytes(GRAPH + GRAPH)
    assert _rolled_back(workspace) == 0
    assert _rolled_back(workspace, "1700000000") == 0
    capsys.readouterr()
    versions = _answer(capsys, "models", "list", "--workspace", str(workspace))
    assert [each["taken_back"] for each in versions["versions"]] == [None] * 5
    assert versions["versions"][-1]["rollback"]["restored"] == 1700000000


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("6", "nmt: There is no version 6 in {folder}; versions: 5, 1700000000, 1700000001.\n"),
        ("1700000000", "nmt: Version 1700000000 is live already; nothing was changed.\n"),
        (
            "1700000001",
            "nmt: Version 1700000001 is broken: saved_model.pb is missing or empty. The live "
            "version is unchanged.\n",
        ),
    ],
)
def test_a_rollback_that_cannot_be_is_refused_in_one_sentence(
    workspace: Path, capsys: pytest.CaptureFixture[str], version: str, sentence: str
) -> None:
    assert _rolled_back(workspace, version) == 2
    assert capsys.readouterr().err == sentence.format(folder=workspace / "models/debian")


@pytest.mark.parametrize("arguments", [[], ["5"]])
def test_a_rollback_in_an_empty_workspace_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert _rolled_back(tmp_path, *arguments) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_live_version_is_named(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = tmp_path / "models/debian/1700000000"
    (export / "assets").mkdir()
    (export / "assets/subwords.txt").write_text("a b c d", encoding="utf-8")
    path = push(str(export), str(tmp_path / "models/pushed"), LocalStore(), keep=2).path
    Path(str(path), "assets/subwords.txt").write_text("a b", encoding="utf-8")
    assert main(["models", "list", "--workspace", str(workspace), "--set", "name=pushed"]) == 0
    assert (
        capsys.readouterr()
        .out.strip()
        .endswith("live, but assets/subwords.txt is not the file that was pushed")
    )


def test_a_damaged_version_can_be_discarded_even_if_it_is_the_only_one(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = tmp_path / "models/debian/1700000000"
    path = push(str(export), str(tmp_path / "models/pushed"), LocalStore(), keep=2).path
    version = Path(str(path))
    (version / "variables/variables.index").write_bytes(b"?")
    options = ["--workspace", str(workspace), "--set", "name=pushed"]
    assert main(["models", "discard", version.name, *options]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "variables/variables.index is not the file that was pushed" in shown
    assert "No version is live; `nmt run` makes one." in shown
    assert not version.exists()
    assert main(["models", "discard", version.name, *options]) == 2
