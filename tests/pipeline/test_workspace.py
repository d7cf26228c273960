import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.commands.run import run_pipeline
from pipeline.config.settings import load_config
from pipeline.errors import UserError
from pipeline.workspace import _LONGEST_ROOT, Workspace, require_writable


def test_the_option_comes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NMT_WORKSPACE", str(tmp_path / "variable"))
    assert Workspace.resolve(str(tmp_path / "option")).root == str(tmp_path / "option")


def test_the_environment_comes_before_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NMT_WORKSPACE", str(tmp_path / "variable"))
    assert Workspace.resolve(None).root == str(tmp_path / "variable")


@pytest.mark.parametrize("value", [None, ""])
def test_the_default_lies_in_the_current_folder(
    value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NMT_WORKSPACE", raising=False)
    if value is not None:
        monkeypatch.setenv("NMT_WORKSPACE", value)
    assert Workspace.resolve(None).root == str(tmp_path / "workspace")


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Workspace.resolve("a/../b/").root == str(tmp_path / "b")


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Workspace.resolve("~/w").root == str(tmp_path / "w")


@pytest.mark.parametrize("root", ["/w", "gs://bucket/w", "s3://bucket"])
def test_everything_lies_where_the_design_says(root: str) -> None:
    workspace = Workspace.resolve(root)
    assert [
        workspace.corpora,
        workspace.corpus("mine"),
        workspace.pipeline_root("mine"),
        workspace.metadata,
        workspace.models("mine"),
        workspace.reports("mine"),
    ] == [
        f"{root}/corpora",
        f"{root}/corpora/mine",
        f"{root}/pipelines/mine",
        f"{root}/metadata.db",
        f"{root}/models/mine",
        f"{root}/reports/mine",
    ]


def test_a_remote_root_loses_only_its_last_slash() -> None:
    assert Workspace.resolve("gs://bucket/w/").root == "gs://bucket/w"


def test_a_corpus_with_a_slash_is_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Workspace("/w").corpus("./mine") == str(tmp_path / "mine")


def test_a_remote_corpus_stays_as_it_is() -> None:
    assert Workspace("/w").corpus("gs://bucket/mine") == "gs://bucket/mine"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x"])
def test_a_name_cannot_lead_out_of_its_folder(name: str) -> None:
    with pytest.raises(UserError, match="is not a name in the workspace"):
        Workspace("/w").models(name)


@pytest.mark.parametrize("option", ["", "  "])
def test_an_empty_option_is_refused(option: str) -> None:
    with pytest.raises(UserError, match="--workspace is empty: give the path of a folder"):
        Workspace.resolve(option)


def test_a_workspace_that_is_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "w"
    file.write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="is not a folder: give another --workspace"):
        Workspace.resolve(str(file))


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("jörg", "ö"),
        ("nmt [1]", "["),
        ("what?", "?"),
        ("a*b", "*"),
        ("back\\slash", "\\"),
        ("two\nlines", "\n"),
        ("\udcff", "\udcff"),
    ],
)
def test_a_path_on_which_tfx_fails_is_refused_with_the_character(
    name: str, odd: str, tmp_path: Path
) -> None:
    for root in (f"{tmp_path}/{name}/w", f"gs://bucket/{name}"):
        with pytest.raises(UserError) as refused:
            Workspace.resolve(root)
        assert f"holds {odd!r}, on which TFX fails" in str(refused.value)
        assert str(refused.value).isprintable()


@pytest.mark.parametrize("root", ["/" + "x" * 256, "/" + "/".join(["x" * 99] * 12)])
def test_a_path_that_is_too_long_is_refused_with_its_length(root: str) -> None:
    with pytest.raises(UserError, match=f"has {len(root)} letters: give a --workspace of at most"):
        Workspace.resolve(root)


def test_the_longest_path_has_room_for_the_metadata(tmp_path: Path) -> None:
    root = str(tmp_path)
    while len(root) < _LONGEST_ROOT - 1:
        root += "/" + "x" * min(200, _LONGEST_ROOT - len(root) - 1)
    workspace = Workspace.resolve(root)
    os.makedirs(workspace.root)
    with sqlite3.connect(workspace.metadata) as database:
        database.execute("CREATE TABLE numbers (number INTEGER)")
    with pytest.raises(UserError, match="letters"):
        Workspace.resolve(f"{root}/xx")


def test_spaces_and_other_signs_are_allowed() -> None:
    root = "/My Files/a%20#b@5,c=d;e'f\"g&h$i(j)~!{k}+:^`|<>"
    assert Workspace.resolve(root).root == root


@pytest.mark.parametrize(
    "command",
    [
        ["run"],
        ["corpus", "list"],
        ["corpus", "debian"],
        ["models", "list"],
        ["report"],
        ["translate", "x"],
        ["serve"],
        ["web"],
        ["compile"],
    ],
    ids=" ".join,
)
def test_every_command_refuses_such_a_path(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "nmt [1]"
    assert main([*command, "--workspace", str(root)]) == 2
    assert f"The path of the workspace {str(root)!r} holds '['" in capsys.readouterr().err
    assert not root.exists()


@pytest.fixture
def of_another_user() -> Iterator[Path]:
    """A folder that only another user may write; root becomes a user without rights."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "models").mkdir()
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(10001)
        else:
            (folder / "models").chmod(0o555)
        yield folder / "models"
        if is_root:
            os.seteuid(0)
        (folder / "models").chmod(0o755)


@pytest.mark.parametrize("below", ["", "debian", "debian/1"])
def test_a_folder_of_another_user_is_named_with_the_remedy(
    of_another_user: Path, below: str
) -> None:
    with pytest.raises(UserError) as error:
        require_writable(["gs://bucket", str(of_another_user / below)], "change it")
    assert str(error.value) == (
        f"The folder {of_another_user} cannot be written by user {os.geteuid()} "
        "(Permission denied): change it."
    )


def test_a_check_leaves_nothing_in_the_folder(tmp_path: Path) -> None:
    require_writable([str(tmp_path), str(tmp_path / "models" / "debian")], "")
    assert not list(tmp_path.iterdir())


def test_a_run_that_cannot_push_ends_before_it_begins(of_another_user: Path) -> None:
    workspace = Workspace(str(of_another_user.parent))
    with pytest.raises(UserError, match="choose another folder with --workspace"):
        run_pipeline(load_config("debian"), workspace, runner="local", as_json=False)
