"""A configuration names features that its corpus has, or nothing runs."""

from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.corpora.folder import CorpusText, write_corpus

FEATURES = ("domain", "writer")


def write(workspace: Path, features: tuple[str, ...]) -> None:
    text = CorpusText(
        name="mine",
        source_language="en",
        target_language="de",
        licence="CC0",
        origin="made up",
        splits={
            split: [(f"a {split}", f"ein {split}", *features)]
            for split in ("train", "validation", "test")
        },
        features=features,
    )
    write_corpus(text, workspace / "corpora/mine")


def tell(tmp_path: Path, command: str, named: str) -> int:
    overrides = [f"evaluation.slice_features=[{named}]", "data.corpus=mine"]
    options = [part for each in overrides for part in ("--set", each)]
    output = ["-o", str(tmp_path / "pipeline.yaml")] if command == "compile" else []
    return main([command, *options, *output, "--workspace", str(tmp_path)])


def test_a_weight_of_a_feature_that_the_corpus_lacks_is_refused_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, FEATURES)
    options = ["--set", "data.weights={genre=law: 2}", "--set", "data.corpus=mine"]
    assert main(["run", *options, "--workspace", str(tmp_path)]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "no feature genre (it has domain, writer): change data.weights" in said


@pytest.mark.parametrize("command", ["run", "compile"])
def test_a_feature_that_the_corpus_lacks_is_refused_before_anything_runs(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, FEATURES)
    assert tell(tmp_path, command, "domain,genre") == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("nmt: The corpus mine has no feature genre (it has domain, writer): ")
    assert [path.name for path in tmp_path.iterdir()] == ["corpora"]


def test_a_corpus_without_features_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, ())
    assert tell(tmp_path, "run", "domain") == 2
    assert "The corpus mine has no feature domain (it has none)" in capsys.readouterr().err


def test_a_name_of_another_form_is_refused_with_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell(tmp_path, "run", "Domain") == 2
    assert "evaluation.slice_features" in capsys.readouterr().err
