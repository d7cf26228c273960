from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.config.settings import load_config

WORDS = [f"{a}{b}" for a in "bcdfghjklm" for b in "aeiou"]


@pytest.fixture
def workspace(tmp_path: Path) -> str:
    """A workspace with a corpus and no configuration."""
    folder = tmp_path / "workspace"
    (tmp_path / "a.tsv").write_text("".join(f"the {w}\tdas {w}\n" for w in WORDS), "utf-8")
    arguments = ["--name", "mine", "--tsv", str(tmp_path / "a.tsv"), "--workspace", str(folder)]
    assert main(["corpus", "import", *arguments]) == 0
    (folder / "configurations/mine.yaml").unlink()
    return str(folder)


def test_the_configuration_of_an_older_corpus_is_made_and_shown(
    workspace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["corpus", "show", "mine", "--workspace", workspace]) == 0
    assert "config make" in capsys.readouterr().out.splitlines()[-1]
    assert main(["config", "make", "mine", "--workspace", workspace]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[-1].endswith(f"run --config mine --workspace {workspace}")
    assert main(["config", "show", "--config", "mine", "--workspace", workspace]) == 0
    assert capsys.readouterr().out == load_config("mine", workspace=workspace).as_yaml()


def test_a_shipped_configuration_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.tsv").write_text("".join(f"a {w}\tdas {w}\n" for w in WORDS), "utf-8")
    place = ["--workspace", str(tmp_path)]
    assert main(["corpus", "tatoeba", "--from", str(tmp_path / "t.tsv"), *place]) == 0
    assert main(["config", "make", "tatoeba", *place]) == 2
    assert "tatoeba has a shipped configuration" in capsys.readouterr().err
    assert not (tmp_path / "configurations").exists()
