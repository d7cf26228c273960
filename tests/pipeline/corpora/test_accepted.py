import gzip
from pathlib import Path

import pytest

from components.parallel_text import LineLimits
from pipeline.corpora.accepted import accepted_pairs
from pipeline.corpora.folder import CorpusText, write_corpus
from pipeline.corpora.information import Split
from pipeline.corpora.text import Row
from pipeline.errors import UserError

ROW: Row = ("Shows the time.", "Zeigt die Uhrzeit an.", "desktop")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    splits: dict[Split, list[Row]] = {
        "train": [ROW],
        "validation": [ROW],
        "test": [("Plays music files.", "Spielt Musikdateien ab.", "sound"), ROW],
    }
    text = CorpusText("own", "en", "de", "CC0", "made up", splits, features=("section",))
    write_corpus(text, tmp_path / "own")
    return tmp_path / "own"


def sources(folder: Path, limits: LineLimits | None = None) -> list[str]:
    pairs = accepted_pairs(folder, "test", limits or LineLimits())
    return [pair.source.decode() for pair in pairs]


def test_pairs_have_the_values_of_their_features(corpus: Path) -> None:
    pairs = list(accepted_pairs(corpus, "test", LineLimits()))
    assert [pair.features for pair in pairs] == [(b"sound",), (b"desktop",)]


def test_lines_of_the_spans_come_last(corpus: Path) -> None:
    for span, line in (("span-10", "New.\tNeu.\tgames\n"), ("span-2", "Old.\tAlt.\tgames\n")):
        (corpus / span).mkdir()
        (corpus / span / "test-0.tsv").write_text(line, encoding="utf-8")
    assert sources(corpus) == ["Plays music files.", "Shows the time.", "Old.", "New."]


def test_lines_that_the_pipeline_rejects_are_left_out(corpus: Path) -> None:
    lines = b"Shows the time.\tZeigt die Uhrzeit.\tx\nno tab\n\tohne Quelle\tx\ncaf\xe9\tX\tx\n"
    (corpus / "test-00000-of-00001.tsv.gz").write_bytes(gzip.compress(lines))
    assert sources(corpus) == ["Shows the time."]
    assert sources(corpus, LineLimits(max_words=2)) == []


def test_a_damaged_shard_is_named(corpus: Path) -> None:
    shard = corpus / "test-00000-of-00001.tsv.gz"
    shard.write_bytes(shard.read_bytes()[:30])
    with pytest.raises(UserError, match=r"test-00000-of-00001.tsv.gz cannot be read .*--force"):
        sources(corpus)
