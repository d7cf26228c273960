import contextlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.commands.chosen_model import ModelOptions
from pipeline.corpora.catalogue import check_own_name
from pipeline.corpora.folder import CorpusText, read_rows, write_corpus
from tests.serving.standin_model import DICTIONARY, export_standin

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class DictionaryModel:
    """Translates word by word; each text of four words or more is cut."""

    pair: tuple[str, str]
    words: dict[str, str]

    def open(self, batch_size: int) -> contextlib.nullcontext["DictionaryModel"]:
        return contextlib.nullcontext(self)

    def languages(self) -> tuple[str, str]:
        return self.pair

    def __str__(self) -> str:
        return "somewhere/models/teacher/3"

    def translate(self, texts: Sequence[str], **_: Any) -> list[Any]:
        return [Answer(" ".join(self.words.get(w, w) for w in text.split())) for text in texts]


@dataclass(frozen=True)
class Answer:
    text: str

    @property
    def truncated(self) -> bool:
        return len(self.text.split()) > 3


FORWARD = DictionaryModel(("en", "de"), {"the": "die", "cat": "Katze", "mat": "Matte"})
BACKWARD = DictionaryModel(("de", "en"), {"die": "the", "Katze": "cat", "Matte": "mat"})
TRAIN = [("the cat", "eine Katze"), ("the cat the mat", "die Katze die Matte")]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    text = CorpusText(
        name="debian",
        source_language="en",
        target_language="de",
        licence="CC0",
        origin="made up",
        splits={"train": TRAIN, "validation": [("a", "ein")], "test": [("b", "zwei")]},
    )
    write_corpus(text, tmp_path / "corpora/debian")
    return tmp_path


def corpus(workspace: Path, *arguments: str) -> int:
    return main(["corpus", *arguments, "--workspace", str(workspace)])


def train_of(workspace: Path, name: str) -> list[tuple[str, ...]]:
    return list(read_rows(workspace / "corpora" / name, "train"))


def test_the_corpus_of_the_configuration_is_distilled(workspace, monkeypatch, capsys) -> None:
    monkeypatch.setattr(ModelOptions, "choose", lambda self: FORWARD)
    assert corpus(workspace, "distill", "--name", "more") == 0
    shown = capsys.readouterr()
    assert "Translating sources ..." in shown.err
    assert "origin    debian (made up) with 1 translations by teacher/3" in shown.out
    assert "left out  empty or cut translation 1" in shown.out
    assert f"config    {workspace}/configurations/more.yaml" in shown.out
    assert train_of(workspace, "more")[2] == ("the cat", "die Katze", "distilled")
    assert corpus(workspace, "distill", "--name", "more") == 2
    assert "exists already; add --force" in capsys.readouterr().err


def test_text_is_translated_back_and_a_corpus_reversed(workspace, monkeypatch, capsys) -> None:
    monkeypatch.setattr(ModelOptions, "choose", lambda self: BACKWARD)
    text = workspace / "news.de"
    text.write_text("die Matte\nEine Katze\n", encoding="utf-8")
    arguments = ["--name", "more", "--corpus", "debian", "--text", str(text), "--json"]
    assert corpus(workspace, "backtranslate", *arguments) == 0
    assert json.loads(capsys.readouterr().out)["dropped"] == {"found in train": 1}
    assert train_of(workspace, "more")[2] == ("⟪bt⟫ the mat", "die Matte", "back-translated")
    assert corpus(workspace, "reverse", "--name", "back", "--corpus", "debian") == 0
    assert train_of(workspace, "back") == [(target, source) for source, target in TRAIN]


def test_a_model_of_another_direction_is_refused(workspace, monkeypatch, capsys) -> None:
    monkeypatch.setattr(ModelOptions, "choose", lambda self: BACKWARD)
    assert corpus(workspace, "distill", "--name", "more") == 2
    assert "teacher/3 translates de to en, not en to de: choose another" in capsys.readouterr().err
    assert not (workspace / "corpora/more").exists()


def test_a_missing_file_is_named_before_the_model_is_loaded(workspace, monkeypatch, capsys) -> None:
    monkeypatch.setattr(ModelOptions, "choose", lambda self: BACKWARD)
    arguments = ["--name", "more", "--corpus", "debian", "--text", "nowhere.de"]
    assert corpus(workspace, "backtranslate", *arguments) == 2
    assert "Cannot read nowhere.de" in capsys.readouterr().err


def test_the_names_in_the_documentation_are_allowed() -> None:
    text = (ROOT / "docs/own-text.md").read_text(encoding="utf-8")
    names = re.findall(r"nmt corpus (?:distill|backtranslate|reverse) .*--name (\S+)", text)
    assert len(names) == 3
    for name in names:
        check_own_name(name)


@pytest.mark.slow
def test_an_export_teaches_with_several_processes(workspace: Path, tmp_path: Path) -> None:
    model = export_standin(tmp_path / "teacher")
    arguments = ["--name", "more", "--model", model, "--workers", "2"]
    assert corpus(workspace, "distill", *arguments) == 0
    source, target, origin = train_of(workspace, "more")[2]
    assert (source, origin) == ("the cat", "distilled")
    assert target.split() == [DICTIONARY["the"], DICTIONARY["cat"]]
