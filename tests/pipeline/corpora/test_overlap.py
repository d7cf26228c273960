from pathlib import Path

from pipeline.corpora.folder import CorpusText, write_corpus
from pipeline.corpora.overlap import count_overlaps


def write(folder: Path, *tests: tuple[str, str]) -> None:
    splits = {"train": [("One", "Eins")], "validation": [("Two", "Zwei")], "test": list(tests)}
    write_corpus(CorpusText("x", "en", "de", "", "", splits), folder)


def test_pairs_of_other_corpora_are_counted_by_split(tmp_path: Path) -> None:
    write(tmp_path / "a", ("A dog.", "Ein Hund."), ("A cat.", "Eine Katze."))
    train = [("a dog", "ein Hund!", "dialogue"), ("a cat", "ein Kater"), ("one", "eins")]
    assert count_overlaps(train, [("a", tmp_path / "a")]) == {
        "a": {"train": 1, "validation": 0, "test": 1}
    }


def test_a_corpus_without_common_pairs_is_not_named(tmp_path: Path) -> None:
    write(tmp_path / "a", ("A dog.", "Ein Hund."))
    assert count_overlaps([("new", "neu")], [("a", tmp_path / "a")]) == {}
