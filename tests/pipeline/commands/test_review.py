import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from pipeline.commands import review as review_command
from pipeline.commands.chosen_model import ModelOptions
from pipeline.corpora.folder import CorpusText, write_corpus
from pipeline.errors import UserError
from serving.contract.translation import ScoredTranslation
from tests.serving.standin_model import DICTIONARY, export_standin

PAIRS = [
    ("the cat", "die Katze"),
    ("on the mat", "eine ganz andere Zeile"),
    ("the <b>mat", "die Matte"),
    ("the cat is", "die Katze Matte"),
]


class WordModel:
    """Finds a word probable where it is the translation of the source's word at its place."""

    def __init__(self, dictionary: dict[str, str]) -> None:
        self.dictionary = dictionary
        self.calls: list[int] = []

    def score(self, texts: Sequence[str], targets: Sequence[str]) -> list[ScoredTranslation]:
        self.calls.append(len(texts))
        return [*map(self._score, texts, targets)]

    def _score(self, text: str, target: str) -> ScoredTranslation:
        source, words = text.split(), target.split()
        expected = [self.dictionary.get(word) for word in source] + [None] * len(words)
        found = [
            -0.5 if word == wanted else -8.0 for word, wanted in zip(words, expected, strict=False)
        ]
        return ScoredTranslation(
            text=target,
            score=sum(found),
            source_tokens=tuple(source),
            target_tokens=tuple(words),
            attention=np.full([len(words), len(source)], 1 / len(source), np.float32),
            truncated=False,
            token_log_probability=np.array(found, np.float32),
        )


@dataclass(frozen=True)
class Opened:
    model: WordModel

    def open(self, batch_size: int) -> contextlib.nullcontext[WordModel]:
        return contextlib.nullcontext(self.model)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "corpora/debian"  # the corpus of the default configuration
    text = CorpusText(
        name="debian",
        source_language="en",
        target_language="de",
        licence="CC0",
        origin="made up",
        splits={"train": PAIRS, "validation": PAIRS[:1], "test": PAIRS[:1]},
    )
    write_corpus(text, folder)
    return tmp_path


@pytest.fixture
def review(workspace, monkeypatch):
    """Runs the command on its arguments; errors are raised."""
    forward = WordModel(DICTIONARY)
    monkeypatch.setattr(ModelOptions, "choose", lambda self: Opened(forward))
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(review_command.review)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, [*arguments, "--workspace", str(workspace)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    run.model = forward
    return run


def test_the_least_probable_pairs_come_first_with_their_lines(review):
    assert review("--count", "2").splitlines() == [
        "  8.00  train-00000-of-00001.tsv.gz, line 2",
        "        on the mat",
        "        eine ganz andere Zeile",
        "  4.25  train-00000-of-00001.tsv.gz, line 3",
        "        the <b>mat",
        "        die Matte",
    ]
    assert review.model.calls == [4]


def test_json_has_a_line_for_each_pair(review):
    lines = [json.loads(line) for line in review("--json").splitlines()]
    assert [line["line"] for line in lines] == [2, 3, 4, 1]
    assert lines[0] == {
        "doubt": 8.0,
        "shard": "train-00000-of-00001.tsv.gz",
        "line": 2,
        "source": "on the mat",
        "target": "eine ganz andere Zeile",
    }


def test_another_split_is_judged(review):
    assert "validation-00000-of-00001.tsv.gz, line 1" in review("--split", "validation")


def test_the_page_shows_each_pair_with_its_attention(review, tmp_path):
    page = tmp_path / "review.html"
    review("--count", "3", "-o", str(page))
    text = page.read_text("utf-8")
    assert text.count("<table") == 3
    assert "the &lt;b&gt;mat" in text
    assert "8.00: train-00000-of-00001.tsv.gz, line 2" in text
    assert "cross-entropy of the translation" in text


def test_a_long_pair_has_no_heatmap(review, tmp_path, monkeypatch):
    monkeypatch.setattr(review_command, "_MOST_TOKENS", 3)
    page = tmp_path / "review.html"
    review("-o", str(page))
    assert page.read_text("utf-8").count("<table") == 3


def test_a_model_of_the_other_direction_judges_as_well(review, tmp_path, monkeypatch):
    backward = WordModel({target: source for source, target in DICTIONARY.items()})
    monkeypatch.setattr(review_command, "find_model", lambda config, *rest: config)
    monkeypatch.setattr(review_command, "read_languages", lambda folder: ("de", "en"))
    monkeypatch.setattr(review_command, "LocalModel", lambda folder, batch_size: backward)
    page = tmp_path / "review.html"
    lines = review("--reverse", "back", "--json", "-o", str(page)).splitlines()
    doubts = {line["line"]: line["doubt"] for line in map(json.loads, lines)}
    # Forward and backward: 3.0 and 3.0, then 4.25 and 4.25, and so on; all agree here.
    assert doubts == {1: 0.5, 2: 8.0, 3: 4.25, 4: 3.0}
    assert "dual conditional cross-entropy" in page.read_text("utf-8")


def test_a_reverse_model_of_the_same_direction_is_refused(review, monkeypatch):
    monkeypatch.setattr(review_command, "find_model", lambda config, *rest: config)
    monkeypatch.setattr(review_command, "read_languages", lambda folder: ("en", "de"))
    with pytest.raises(UserError, match="translates en to de, not de to en"):
        review("--reverse", "debian")


@pytest.mark.parametrize(
    ("path", "message"),
    [("review.txt", "does not end with .html"), ("nowhere/review.html", "cannot be written")],
)
def test_a_file_that_cannot_be_written_is_refused_first(review, tmp_path, path, message):
    with pytest.raises(UserError, match=message):
        review("-o", str(tmp_path / path))
    assert review.model.calls == []


def test_an_exported_model_judges(workspace, tmp_path):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(review_command.review)
    model = export_standin(tmp_path / "model")
    asked = ["--count", "1", "--json", "--config", "debian", "--model", model]
    result = CliRunner().invoke(app, [*asked, "--workspace", str(workspace)])
    assert json.loads(result.stdout)["doubt"] == 0.5
