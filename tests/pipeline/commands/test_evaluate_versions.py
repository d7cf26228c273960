"""Evaluations of exported models, which load TensorFlow."""

import json
from pathlib import Path

import pytest

from pipeline import cli
from serving.contract import layout
from tests.serving.standin_model import export_standin

SOURCES = ["the cat is on the mat", "the mat", "", "The cat . The mat ."]
REFERENCES = ["die Katze ist auf der Matte", "die Matte", "", "die Katze . die Matte ."]
OWN = ("--input", "test.en", "--reference", "test.de", "--workspace", ".")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a version that copies the source, and with a better live one."""
    root = tmp_path_factory.mktemp("workspace")
    export_standin(root / "models/debian/7", "copies_source")
    export_standin(root / "models/debian/12")
    (root / "test.en").write_text("\n".join(SOURCES) + "\n", encoding="utf-8")
    (root / "test.de").write_text("\n".join(REFERENCES) + "\n", encoding="utf-8")
    return root


@pytest.fixture(autouse=True)
def _here(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace)


def test_the_live_version_is_better_than_an_older_one(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", *OWN, "--against", "7", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["system"] == str(workspace / "models/debian/12")
    assert document["against"] == str(workspace / "models/debian/7")
    chrf = document["slices"][0]["scores"]["chrf"]
    assert chrf["system"] > chrf["against"]
    assert document["to_read"][0]["against"] in SOURCES


def test_another_version_is_compared_with_an_export_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    compared = ("--version", "7", "--against-model", "models/debian/12")
    assert cli.main(["evaluate", *OWN, *compared, "--output", "out.de"]) == 0
    assert "against    models/debian/12\n" in capsys.readouterr().out
    assert Path("out.de").read_text(encoding="utf-8").splitlines() == SOURCES


def test_an_unknown_version_is_refused_with_those_that_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["evaluate", *OWN, "--against", "8"]) == 2
    assert "it holds 7, 12" in capsys.readouterr().err


def test_a_cut_sentence_counts_and_is_named_after_the_scores(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("long.en", "long.de"):
        Path(name).write_text("cat\n" + "cat " * 100 + "\n", encoding="utf-8")
    own = ("--input", "long.en", "--reference", "long.de", "--workspace", ".")
    assert cli.main(["evaluate", *own]) == 1
    shown = capsys.readouterr()
    assert "2 sentences" in shown.out
    assert "cut at the model's limit in line 2" in shown.err


def test_the_tokeniser_is_that_of_the_models_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = export_standin(tmp_path / "model")
    card = Path(model, layout.MODEL_CARD)
    card.parent.mkdir(exist_ok=True)
    languages = {"source_language": "en", "target_language": "th"}
    card.write_text(json.dumps(languages), encoding="utf-8")
    own = ("--input", "test.en", "--reference", "test.de", "--model", str(model))
    assert cli.main(["evaluate", *own, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tokeniser"] == "char"
    assert cli.main(["evaluate", *own, "--json", "--set", "data.target_language=de"]) == 0
    assert json.loads(capsys.readouterr().out)["tokeniser"] == "13a"
