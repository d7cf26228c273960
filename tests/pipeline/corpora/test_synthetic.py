from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from pipeline.corpora.folder import CorpusText, read_rows, write_corpus
from pipeline.corpora.progress import silent
from pipeline.corpora.synthetic import TAG, back_translated, distilled, turned_round
from pipeline.errors import UserError

TRAIN = [("one cat", "eine Katze", "animals"), ("one\u00a0mat !", "eine Matte", "things")]
VALIDATION = [("two dogs", "zwei Hunde", "animals")]
TEST = [("two mats", "zwei Matten", "things")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = CorpusText(
        name="small",
        source_language="en",
        target_language="de",
        licence="CC0",
        origin="made up",
        splits={"train": TRAIN, "validation": VALIDATION, "test": TEST},
        features=("domain",),
    )
    write_corpus(text, tmp_path / "small")
    return tmp_path / "small"


def shouted(texts: Iterable[str]) -> Iterator[str]:
    """Translates into capitals, and cannot translate a text with a mat."""
    return ("" if "mat" in text else text.upper() for text in texts)


def human(rows: list[tuple[str, str, str]]) -> list[tuple[str, ...]]:
    return [(*row, "human") for row in rows]


def test_a_teachers_translations_stand_after_those_of_people(folder: Path) -> None:
    corpus = distilled("new", folder, shouted, "teacher/7", silent)
    assert corpus.splits == {
        "train": [*human(TRAIN), ("one cat", "ONE CAT", "animals", "distilled")],
        "validation": human(VALIDATION),
        "test": human(TEST),
    }
    assert corpus.features == ("domain", "origin")
    assert corpus.dropped == {"empty or cut translation": 1}
    assert corpus.origin == "small (made up) with 1 translations by teacher/7"
    assert corpus.licence == "CC0"


def test_text_is_translated_back_unless_the_corpus_has_it(folder: Path) -> None:
    sentences = ["Ein  Vogel.", "", "ein Vogel", "Eine Katze!", "zwei Matten", "Zwei Hunde"]
    corpus = back_translated("new", folder, sentences, shouted, "reverse/7", silent)
    added = (f"{TAG} EIN  VOGEL.", "Ein  Vogel.", "back-translated", "back-translated")
    assert corpus.splits["train"] == [*human(TRAIN), added]
    assert corpus.splits["test"] == human(TEST)
    assert corpus.dropped == {
        "duplicate": 1,
        "found in train": 1,
        "found in test": 1,
        "found in validation": 1,
    }


def test_made_pairs_can_be_added_twice(folder: Path) -> None:
    write_corpus(distilled("more", folder, shouted, "teacher/7", silent), folder.parent / "more")
    corpus = back_translated("new", folder.parent / "more", ["neu"], shouted, "m/1", silent)
    assert corpus.features == ("domain", "origin")
    assert [row[-1] for row in corpus.splits["train"]] == [
        "human", "human", "distilled", "back-translated",
    ]  # fmt: skip


def test_a_corpus_is_turned_round_byte_by_byte(folder: Path) -> None:
    corpus = turned_round("back", folder)
    assert (corpus.source_language, corpus.target_language) == ("de", "en")
    assert corpus.splits["train"] == [(target, source, *rest) for source, target, *rest in TRAIN]
    write_corpus(corpus, folder.parent / "back")
    again = turned_round("again", folder.parent / "back")
    assert again.splits["train"] == read_rows(folder, "train")


def test_nothing_to_add_is_an_error(folder: Path) -> None:
    with pytest.raises(UserError, match="No text is left to add to small: found in train"):
        back_translated("new", folder, ["Eine Katze"], shouted, "reverse/7", silent)
    with pytest.raises(UserError, match="No text is left to add to small: there is none"):
        back_translated("new", folder, [], shouted, "reverse/7", silent)


def test_spans_are_refused(folder: Path) -> None:
    (folder / "span-1").mkdir()
    with pytest.raises(UserError, match="has spans, which would be left out"):
        turned_round("back", folder)
