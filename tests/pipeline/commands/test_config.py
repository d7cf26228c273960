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


def test_an_edited_configuration_is_kept_until_it_is_forced(
    workspace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make = ["config", "make", "mine", "--workspace", workspace]
    assert main(make) == 0
    path = Path(workspace, "configurations/mine.yaml")
    made = path.read_text(encoding="utf-8")
    path.write_text(made.replace("epochs: 100", "epochs: 3"), encoding="utf-8")
    capsys.readouterr()
    assert main(make) == 0
    kept, _ = capsys.readouterr().out.splitlines()
    assert kept.startswith(f"config    {path}, kept because it was edited; ")
    assert f"config make mine --force --workspace {workspace}` makes it anew" in kept
    assert "epochs: 3" in path.read_text(encoding="utf-8")
    assert main([*make, "--force"]) == 0
    assert path.read_text(encoding="utf-8") == made


@pytest.mark.parametrize("pairs", [999, 1_000])
def test_measured_floors_and_a_corpus_that_is_too_small_are_told(
    tmp_path: Path, pairs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    letters = "bcdfghjklmnpqrst"
    words = [f"{a}{b}{c}" for a in letters for b in letters for c in letters][: pairs + 110]
    (tmp_path / "b.tsv").write_text("".join(f"the {w}\tdas {w}\n" for w in words), "utf-8")
    options = ["--validation", "10", "--test", "100", "--workspace", str(tmp_path)]
    tsv = ["--tsv", str(tmp_path / "b.tsv")]
    assert main(["corpus", "import", "--name", "small", *tsv, *options]) == 0
    shown = capsys.readouterr().out
    evaluation = load_config("small", workspace=str(tmp_path)).evaluation
    floors = f"BLEU {evaluation.min_bleu:.1f}, chrF {evaluation.min_chrf:.1f}"
    assert f"floor     {floors}: measured on the test pairs, without a model" in shown
    assert ("note      999 training pairs are too few" in shown) is (pairs == 999)
