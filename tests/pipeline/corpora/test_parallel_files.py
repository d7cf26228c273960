import gzip
import os
from pathlib import Path

import pytest
from hypothesis import example, given, strategies

from components.parallel_text import LineLimits, parse_line, read_lines
from pipeline.corpora.folder import load_corpus, write_corpus
from pipeline.corpora.information import SPLITS
from pipeline.corpora.parallel_files import corpus_of_pairs, read_aligned, read_tsv
from pipeline.errors import UserError
from tests.any_text import strings, texts
from text.sentences import Pair


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"only one column", "wrong number of columns"),
        (b"one\ttwo\tthree", "wrong number of columns"),
        (b"", "wrong number of columns"),
        (b"\tzwei", "empty side"),
        (b"one\t \r", "empty side"),
        (b"o\0ne\tzwei", "NUL byte"),
        (b"one\tzw\xff\xfei", "invalid UTF-8"),
        (b"a" * 100_000 + b"\tzwei", "more than 10000 characters"),
    ],
)
def test_a_malformed_line_is_set_aside_with_its_number(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    path = tmp_path / "mine.tsv"
    path.write_bytes("more\tgrößer\n".encode() + line + b"\nbetter\tbesser\n")
    pairs, rejected = read_tsv(path)
    assert pairs == [("more", "größer"), ("better", "besser")]
    assert [(entry.file, entry.line, entry.reason) for entry in rejected] == [
        ("mine.tsv", 2, reason)
    ]
    assert len(rejected[0].text) <= 2_000


@pytest.mark.parametrize(
    "data",
    [
        b"one\teins\ntwo\tzwei\n",
        b"one\teins\ntwo\tzwei",
        b"one\teins\r\ntwo\tzwei\r\n",
        b"\xef\xbb\xbfone\teins\ntwo\tzwei\n",
        gzip.compress(b"one\teins\ntwo\tzwei\n", mtime=0),
    ],
)
def test_every_usual_kind_of_text_file_is_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "mine").write_bytes(data)
    assert read_tsv(tmp_path / "mine") == ([("one", "eins"), ("two", "zwei")], [])


def test_aligned_files_are_paired_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("one\n\nthree\u2028more\n", encoding="utf-8")
    (tmp_path / "a.de.gz").write_bytes(gzip.compress(b"eins\nzwei\ndrei\n"))
    pairs, rejected = read_aligned(tmp_path / "a.en", tmp_path / "a.de.gz")
    assert pairs == [("one", "eins"), ("three more", "drei")]
    assert [(entry.line, entry.reason) for entry in rejected] == [(2, "empty side")]


def test_different_numbers_of_lines_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("one\ntwo\n", encoding="utf-8")
    (tmp_path / "a.de").write_text("eins\nzwei\ndrei\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"a\.en has 2 lines and .*a\.de has 3"):
        read_aligned(tmp_path / "a.en", tmp_path / "a.de")


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Cannot read .*No such file"):
        read_tsv(tmp_path / "nothing.tsv")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Cannot read .*Is a directory"):
        read_tsv(tmp_path)


def test_a_truncated_gzip_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"one\teins\n")[:-6])
    with pytest.raises(UserError, match="damaged gzip file"):
        read_tsv(tmp_path / "a.gz")


def corpus_splits(
    pairs: list[Pair], validation: int | None = None, test: int | None = None
) -> dict[str, int]:
    corpus = corpus_of_pairs(
        (pairs, []),
        name="mine",
        languages=("en", "de"),
        licence="CC0",
        origin="mine.tsv",
        validation=validation,
        test=test,
    )
    return {split: len(corpus.splits[split]) for split in SPLITS}


def distinct(number: int) -> list[Pair]:
    letters = "abcdefghij"
    names = ["".join(letters[int(digit)] for digit in f"{index:05d}") for index in range(number)]
    return [(f"the {name}", f"das {name}") for name in names]


@pytest.mark.parametrize(
    ("number", "evaluation"), [(3, 1), (100, 5), (20_000, 1_000), (30_000, 1_000)]
)
def test_the_evaluation_splits_are_small_by_default(number: int, evaluation: int) -> None:
    assert corpus_splits(distinct(number)) == {
        "train": number - 2 * evaluation,
        "validation": evaluation,
        "test": evaluation,
    }


def test_sizes_are_those_asked_for() -> None:
    assert corpus_splits(distinct(50), 10, 20) == {"train": 20, "validation": 10, "test": 20}


@pytest.mark.parametrize(
    ("pairs", "validation", "message"),
    [
        ([], None, "no usable sentence pair in mine.tsv: no lines"),
        (distinct(2), None, "leave nothing to train on: mine.tsv has 2 usable pairs"),
        (distinct(30), 30, "30 validation and 1 test pairs leave nothing"),
        (
            [(f"one {n}", f"eins {n}") for n in range(9)],
            None,
            "Nothing is left for validation and test",
        ),
    ],
)
def test_too_little_text_is_a_sentence(
    pairs: list[Pair], validation: int | None, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        corpus_splits(pairs, validation)


def test_reasons_are_told_where_every_line_is_malformed(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b"one\n\0\t\0\n")
    with pytest.raises(UserError, match="NUL byte, wrong number of columns"):
        corpus_of_pairs(
            read_tsv(tmp_path / "a.tsv"),
            name="a",
            languages=("en", "de"),
            licence="",
            origin="a.tsv",
        )


def test_the_columns_of_features_are_read_with_the_pair(tmp_path: Path) -> None:
    lines = ["one\teins\tnews\ta", "two\tzwei", "three\tdrei\t\tb", f"four\tvier\t{'x' * 65}\tb"]
    (tmp_path / "a.tsv").write_text("\n".join([*lines, "five\tf\x07nf\t\x07\tb"]), "utf-8")
    rows, rejected = read_tsv(tmp_path / "a.tsv", ("domain", "writer"))
    assert rows == [("one", "eins", "news", "a"), ("three", "drei", "", "b")]
    unfit = "feature that is too long or cannot be printed"
    assert [(entry.line, entry.reason) for entry in rejected] == [
        (2, "wrong number of columns"),
        (4, unfit),
        (5, unfit),
    ]


GOOD = [(f"the {a}{b}", f"däs {a}{b}") for a in "abcdef" for b in "abcdefghij"]
"""More than hypothesis makes, so that the text is in UTF-8 and has two columns."""
NO_UNICODE = os.fsdecode(b"mine\xff.tsv")
LINE = (
    strategies.tuples(texts, texts).map("\t".join).map(str.encode)
    | strategies.tuples(strings, strings).map(
        lambda sides: "\t".join(sides).encode("utf-8", "surrogatepass")
    )
    | strategies.binary()
)


@given(strategies.lists(LINE).map(b"\n".join))
@example(b"bad")
def test_each_line_of_any_file_is_kept_dropped_or_rejected(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("corpus")
    good = "".join("\t".join(pair) + "\n" for pair in GOOD).encode()
    (folder / NO_UNICODE).write_bytes(good + content)
    lines = len(GOOD) + content.count(b"\n") + (not content.endswith(b"\n") and content != b"")
    read = read_tsv(folder / NO_UNICODE)
    assert len(read[0]) + len(read[1]) == lines
    corpus = corpus_of_pairs(
        read,
        name="mine",
        languages=("en", "de"),
        licence=NO_UNICODE,
        origin=NO_UNICODE,
        validation=1,
        test=1,
    )
    written = write_corpus(corpus, folder / "made")
    assert load_corpus(folder / "made") == written
    kept, dropped, rejected = (
        sum(counts.values()) for counts in (written.counts, written.dropped, written.rejected)
    )
    assert kept + dropped + rejected == lines
    for name, shard in written.shards.items():
        with gzip.open(folder / "made" / name) as stream:
            verdicts = [parse_line(line, LineLimits()) for line in read_lines(stream, 20_000)]
        assert len(verdicts) == shard.pairs
