import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.corpora.folder import CorpusText, write_corpus
from pipeline.corpora.formats.text_file import Reading
from pipeline.corpora.importing import Files, import_corpus
from pipeline.corpora.information import CorpusInfo, Split
from pipeline.errors import UserError

LETTERS = "abcdefghij"
PAIRS = [(f"the {a}{b} sleeps", f"das {a}{b} schläft") for a in LETTERS for b in LETTERS]
OWN = ["  Cafe\u0301 \u200bcosts.\u00a0", "The AA sleeps!", "Sleep 7 times.\u2028More"]
OWN_TARGETS = ["Cafe\u0301 kostet. ", "Ein Satz\u200b.", "Das ab schläft"]
READING = Reading()


def written(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def train(tmp_path: Path) -> Files:
    sides = zip(*PAIRS, strict=True)
    paths = [written(tmp_path / f"train.{n}", list(side)) for n, side in enumerate(sides)]
    return Files(paths[:1], paths[1:])


@pytest.fixture
def own(tmp_path: Path) -> Files:
    return Files([written(tmp_path / "own.en", OWN)], [written(tmp_path / "own.de", OWN_TARGETS)])


def imported(reading: Reading = READING, **files: Files) -> CorpusText:
    sizes: dict[Split, int | None] = {"validation": None, "test": None}
    return import_corpus(files, reading, name="own", licence="CC0", sizes=sizes)  # type: ignore[arg-type]


def counts(corpus: CorpusText) -> dict[str, int]:
    return {split: len(rows) for split, rows in corpus.splits.items()}


def test_own_sets_are_kept_to_the_last_byte(tmp_path: Path, train: Files, own: Files) -> None:
    write_corpus(imported(train=train, test=own), tmp_path / "made")
    shard = gzip.decompress((tmp_path / "made/test-00000-of-00001.tsv.gz").read_bytes())
    sides = [(tmp_path / name).read_bytes().split(b"\n") for name in ("own.en", "own.de")]
    assert shard == b"\n".join(b"\t".join(pair) for pair in zip(*sides, strict=True))[:-1]


def test_own_sentences_in_train_are_dropped_and_counted(
    tmp_path: Path, train: Files, own: Files
) -> None:
    corpus = imported(train=train, test=own)
    assert corpus.dropped == {"found in test": 2}
    assert counts(corpus) == {"train": 93, "validation": 5, "test": 3}
    information: CorpusInfo = write_corpus(corpus, tmp_path / "made")
    assert information.dropped == {"found in test": 2}
    assert information.origin == "train.0 + train.1; own.en + own.de (test)"


def test_several_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    tables = []
    for number in range(5):
        pairs = ["\t".join(pair) for pair in PAIRS[20 * number :][:21]]
        tables.append(written(tmp_path / f"{number}.tsv", [*pairs, "broken"]))
    corpus = imported(train=Files(both=tables))
    assert sum(counts(corpus).values()) == len(PAIRS)
    assert corpus.dropped == {"duplicate": 4}
    assert [(line.file, line.line) for line in corpus.rejected][-1] == ("4.tsv", 21)
    assert corpus.origin == "0.tsv, 1.tsv, 2.tsv and 2 more"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["one\teins", "\tzwei"], "empty side"),
        (["one\teins", "a\0\tb"], "NUL byte"),
        (["one\teins", "alone"], "wrong number of columns"),
        (["one\teins", "\u200b\tzwei"], "empty side"),
    ],
)
def test_a_line_that_cannot_be_kept_as_it_is_stops_the_import(
    tmp_path: Path, train: Files, lines: list[str], reason: str
) -> None:
    table = written(tmp_path / "own.tsv", lines)
    with pytest.raises(UserError, match=rf"Line 2 of own\.tsv cannot be taken as it is \({reason}"):
        imported(train=train, validation=Files(both=[table]))


def test_a_set_of_its_own_has_the_columns_of_the_text(tmp_path: Path) -> None:
    reading = Reading(columns=("en", "de", "domain"), features=("domain",))
    rows = ["domain,de,en", *(f"law,{target},{source}" for source, target in PAIRS)]
    train = written(tmp_path / "train.csv", rows)
    own = written(tmp_path / "own.csv", ["en,de,domain,x", 'A "cat",Katze,news,y', "B,Zebra,,z"])
    corpus = imported(reading, train=Files(both=[train]), test=Files(both=[own]))
    assert list(corpus.splits["test"]) == [('A "cat"', "Katze", "news"), ("B", "Zebra", "")]
    assert corpus.splits["train"][0][2:] == ("law",)


def test_files_that_do_not_fit_together_are_refused(
    tmp_path: Path, train: Files, own: Files
) -> None:
    both = Files(both=[written(tmp_path / "a.tsv", ["a\tb\tc"])])
    with pytest.raises(UserError, match="Give text with --source and --target, or with --file"):
        imported(test=own)
    with pytest.raises(UserError, match="There are 1 --test-source and 0 --test-target"):
        imported(train=train, test=replace(own, targets=[]))
    with pytest.raises(UserError, match="--feature names a column of a --test-file file"):
        imported(Reading(features=("domain",)), train=both, test=own)
    with pytest.raises(UserError, match="either --test or your own test set"):
        import_corpus(
            {"train": train, "test": own}, READING, name="a", licence="", sizes={"test": 3}
        )
    with pytest.raises(UserError, match="of the 100 usable pairs in .* 100 are in your own sets"):
        imported(train=train, test=train)
    with pytest.raises(UserError, match=r"empty\.tsv is empty; give a test set with text"):
        imported(train=train, test=Files(both=[written(tmp_path / "empty.tsv", [])]))
