import threading
from pathlib import Path

import pytest

from components.parallel_text import LineLimits
from pipeline.corpora import suggestions
from pipeline.corpora.accepted import accepted_pairs
from pipeline.corpora.folder import CorpusText, check_destination, load_corpus, write_corpus
from pipeline.corpora.spans import read_spans
from pipeline.corpora.suggestions import (
    Accepted,
    SuggestionFile,
    accept_suggestions,
    read_suggestions,
)
from pipeline.errors import UserError
from serving.web.settings import SuggestionRefused

ROW = ("A dog.", "Ein Hund.", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = CorpusText(
        name="own",
        source_language="en",
        target_language="de",
        licence="CC0",
        origin="made up",
        splits={split: [(f"a {split}", "b", "x")] for split in ("train", "validation", "test")},
        features=("domain",),
    )
    write_corpus(text, tmp_path / "own")
    return tmp_path / "own"


def collector(folder: Path) -> SuggestionFile:
    return SuggestionFile(folder, LineLimits())


def train(folder: Path) -> list[tuple[str, str]]:
    pairs = accepted_pairs(folder, "train", LineLimits())
    return [(pair.source.decode(), pair.target.decode()) for pair in pairs]


def test_a_suggestion_is_read_by_the_next_run_once_it_is_accepted(folder: Path) -> None:
    information = load_corpus(folder)
    before = read_spans(information, folder, None)
    collector(folder).add("A cat.", "Eine Katze.")
    assert train(folder) == [("a train", "b")]
    assert read_spans(information, folder, None) == before
    assert accept_suggestions(folder) == Accepted("span-1", 1, 0)
    assert train(folder) == [("a train", "b"), ("A cat.", "Eine Katze.")]
    after = read_spans(load_corpus(folder), folder, None)
    assert (after.numbers, after.pairs, after.checksum != before.checksum) == ((1,), 1, True)
    assert read_suggestions(folder) == []


def test_each_acceptance_makes_the_next_span(folder: Path) -> None:
    (folder / "span-7").mkdir()
    (folder / ".span-abandoned.partial").mkdir()
    for word in ("cat", "dog"):
        collector(folder).add(f"A {word}.", "Ein Tier.")
        accept_suggestions(folder)
    names = {path.name for path in folder.iterdir() if path.is_dir()}
    assert names == {"span-7", "span-8", "span-9"}


def test_a_pair_is_kept_once_however_it_is_written(folder: Path) -> None:
    for target in ("Ein Hund.", " Ein\u200b Hund.\n", "Ein\tHund."):
        collector(folder).add("A dog.", target)
    assert read_suggestions(folder) == [ROW]


def test_a_pair_of_the_corpus_makes_no_span(folder: Path) -> None:
    collector(folder).add("a train", "b")
    assert accept_suggestions(folder) == Accepted(None, 0, 1)
    with pytest.raises(UserError, match="There are no suggestions in"):
        accept_suggestions(folder)


def test_letters_are_composed_and_features_are_empty(folder: Path) -> None:
    collector(folder).add("He\u0301 there", "Da\nist\u202e er")
    data = (folder / "suggestions.tsv").read_text(encoding="utf-8")
    assert data == "H\u00e9 there\tDa ist er\t\n"


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("", "b", "empty side"),
        ("a", "\u200b\ufeff ", "empty side"),
        ("a", "\u200e\u00a0", "empty side"),
        ("a\0", "b", "NUL byte"),
        ("a", "b\x1bc", "control character"),
        ("a", "b\ud800", "invalid UTF-8"),
        ("a" * 3000, "b", "2,000 characters|2000 characters|too long"),
        ("a b " * 150, "c d " * 150, "300 words"),
        ("a b c d e f g h i j", "x", "length ratio"),
    ],
)
def test_what_a_run_would_reject_is_refused(
    folder: Path, source: str, target: str, reason: str
) -> None:
    with pytest.raises(SuggestionRefused, match=reason):
        collector(folder).add(source, target)
    assert not (folder / "suggestions.tsv").exists()


def test_the_file_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestions, "_MOST_BYTES", 40)
    collector(folder).add("A dog.", "Ein Hund.")
    with pytest.raises(SuggestionRefused, match="suggestions.tsv is full"):
        collector(folder).add("A bigger dog.", "Ein Hund.")
    assert read_suggestions(folder) == [ROW]


def test_a_full_disk_leaves_the_file_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector(folder).add("A dog.", "Ein Hund.")

    def full(path: Path, data: bytes) -> None:
        path.write_bytes(data[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(suggestions, "write_file", full)
    with pytest.raises(OSError, match="No space left"):
        collector(folder).add("A cat.", "Eine Katze.")
    assert read_suggestions(folder) == [ROW]
    assert not list(folder.glob(".*"))


def test_no_suggestion_of_several_writers_is_lost(folder: Path) -> None:
    def write(writer: int) -> None:
        for number in range(20):
            collector(folder).add(f"Dog {writer} {number}.", f"Hund {writer} {number}.")

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for each in writers:
        each.start()
    accepted = 0
    while any(each.is_alive() for each in writers) or read_suggestions(folder):
        if read_suggestions(folder):
            accepted += accept_suggestions(folder).pairs
    for each in writers:
        each.join()
    assert accepted == 80
    assert len(train(folder)) == 81


@pytest.mark.parametrize("line", ["only one", "a\t\tx", "a\tb", "a\tb\tx\ty", "a\tb\t\x01"])
def test_a_line_damaged_by_hand_is_named(folder: Path, line: str) -> None:
    (folder / "suggestions.tsv").write_text(f"a\tb\tx\n{line}", encoding="utf-8")
    with pytest.raises(UserError, match=r"Line 2 of .*suggestions.tsv is malformed"):
        accept_suggestions(folder)
    assert not list(folder.glob("span-*"))


def test_a_last_line_without_an_end_is_kept(folder: Path) -> None:
    (folder / "suggestions.tsv").write_text("a\tb\tx", encoding="utf-8")
    collector(folder).add("A dog.", "Ein Hund.")
    assert read_suggestions(folder) == [("a", "b", "x"), ROW]


def test_without_a_corpus_nothing_is_collected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no corpus in"):
        collector(tmp_path)


def test_a_corpus_with_suggestions_is_not_replaced(folder: Path) -> None:
    collector(folder).add("A dog.", "Ein Hund.")
    with pytest.raises(UserError, match=r"holds suggestions, which would be lost"):
        check_destination(folder, replace=True)
