import shlex
from pathlib import Path

import pytest

from pipeline.config.settings import load_config
from pipeline.next_command import next_command
from pipeline.workspace import Workspace


def test_the_next_command_has_a_quoted_path_and_reads_back_in_a_shell() -> None:
    root = "/My Files/it's $HOME & more"
    words = shlex.split(next_command("translate", "tatoeba", Workspace(root), '"Good morning."'))
    assert words[words.index("--workspace") + 1] == root
    assert words[words.index("--config") + 1] == "tatoeba"
    assert words[-1] == "Good morning."


def test_the_next_command_leaves_out_the_defaults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NMT_WORKSPACE", str(tmp_path))
    assert next_command("run", "debian", Workspace(str(tmp_path))).endswith(" run")
    monkeypatch.setenv("NMT_WORKSPACE", str(tmp_path / "umläut"))
    assert "--workspace" in next_command("run", "debian", Workspace(str(tmp_path)))


def test_a_pipeline_without_a_configuration_of_its_name_is_named_by_an_override(
    tmp_path: Path,
) -> None:
    words = shlex.split(next_command("translate", "mine", Workspace(str(tmp_path))))
    assert load_config("debian", [words[words.index("--set") + 1]]).name == "mine"


def test_a_pipeline_with_a_made_configuration_is_named_by_it(tmp_path: Path) -> None:
    (tmp_path / "configurations").mkdir()
    (tmp_path / "configurations/mine.yaml").touch()
    assert " translate --config mine " in next_command(
        "translate", "mine", Workspace(str(tmp_path))
    )
