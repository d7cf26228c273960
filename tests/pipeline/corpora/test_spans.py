import gzip
from pathlib import Path

import pytest

from pipeline.corpora.folder import CorpusText, check_destination, load_corpus, write_corpus
from pipeline.corpora.information import CorpusInfo
from pipeline.corpora.spans import read_numbered, read_spans
from pipeline.errors import UserError


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[CorpusInfo, Path]:
    folder = tmp_path / "corpora/own"
    text = CorpusText(
        name="own",
        source_language="en",
        target_language="de",
        licence="CC0",
        origin="made up",
        splits={"train": [("a", "b")], "validation": [("c", "d")], "test": [("e", "f")]},
    )
    return write_corpus(text, folder), folder


def add(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def test_without_spans_the_checksum_is_that_of_the_corpus(corpus: tuple[CorpusInfo, Path]) -> None:
    spans = read_spans(*corpus, None)
    assert (spans.pairs, spans.numbers, spans.checksum) == (0, (), corpus[0].checksum)


def test_a_span_adds_its_pairs_and_changes_the_checksum(corpus: tuple[CorpusInfo, Path]) -> None:
    information, folder = corpus
    add(folder, "span-3/train-0.tsv", "x\ty\nz\tw\n")
    add(folder, "span-3/test-0.tsv", "x\ty\n")
    spans = read_spans(information, folder, None)
    assert (spans.pairs, spans.numbers) == (2, (3,))
    assert spans.checksum != information.checksum


def test_the_checksum_is_of_the_text_however_it_is_compressed(
    corpus: tuple[CorpusInfo, Path],
) -> None:
    information, folder = corpus
    add(folder, "span-1/train-0.tsv", "x\ty\n")
    plain = read_spans(information, folder, None).checksum
    (folder / "span-1/train-0.tsv").unlink()
    add(folder, "span-1/train-0.tsv.gz", "x\ty\n")
    assert read_spans(information, folder, None).checksum == plain


def test_the_checksum_is_of_what_the_window_lets_in(corpus: tuple[CorpusInfo, Path]) -> None:
    information, folder = corpus
    add(folder, "span-1/train-0.tsv", "x\ty\n")
    add(folder, "span-2/train-0.tsv", "z\tw\n")
    everything, newest = (read_spans(information, folder, each) for each in (None, 1))
    assert newest.pairs == 1
    assert newest.checksum != everything.checksum
    (folder / "span-1/train-0.tsv").unlink()
    assert read_spans(information, folder, 1).checksum == newest.checksum


def test_a_damaged_shard_is_named(corpus: tuple[CorpusInfo, Path]) -> None:
    information, folder = corpus
    add(folder, "span-1/train-0.tsv", "x\ty\n")
    (folder / "span-1/train-1.tsv.gz").write_bytes(b"no gzip")
    with pytest.raises(UserError, match="span-1/train-1.tsv.gz cannot be read"):
        read_spans(information, folder, None)


def test_a_corpus_with_spans_still_verifies(corpus: tuple[CorpusInfo, Path]) -> None:
    information, folder = corpus
    add(folder, "span-1/train-0.tsv", "x\ty\n")
    assert load_corpus(folder) == information


def test_a_corpus_with_spans_is_not_replaced(corpus: tuple[CorpusInfo, Path]) -> None:
    folder = corpus[1]
    check_destination(folder, replace=True)
    add(folder, "span-1/train-0.tsv", "x\ty\n")
    with pytest.raises(UserError, match="holds spans, which would be lost"):
        check_destination(folder, replace=True)


def test_a_span_of_a_corpus_with_features_has_their_columns(
    corpus: tuple[CorpusInfo, Path],
) -> None:
    information, folder = corpus
    add(folder, "span-1/train-0.tsv", "x\ty\tnews\n")
    declared = information.model_copy(update={"features": ("domain",)})
    assert read_spans(declared, folder, None).pairs == 1


def test_pairs_are_read_with_their_places_and_spans_in_order(
    corpus: tuple[CorpusInfo, Path],
) -> None:
    _, folder = corpus
    add(folder, "span-10/train-0.tsv.gz", "k\tl\tnews\n")
    add(folder, "span-2/train-0.tsv", "g\th\nno tab\ni\tj\n")
    assert [
        (each.shard, each.line, each.source, each.target) for each in read_numbered(folder, "train")
    ] == [
        ("train-00000-of-00001.tsv.gz", 1, "a", "b"),
        ("span-2/train-0.tsv", 1, "g", "h"),
        ("span-2/train-0.tsv", 3, "i", "j"),
        ("span-10/train-0.tsv.gz", 1, "k", "l"),
    ]
