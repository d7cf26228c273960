import gzip
import json
from pathlib import Path

import pytest

from benchmarks.common.task import prepare_task, read_split
from components.parallel_text import LineLimits
from pipeline.corpora.folder import CorpusText, write_corpus
from pipeline.errors import UserError


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    text = CorpusText(
        name="tiny",
        source_language="en",
        target_language="de",
        licence="none",
        origin="made up",
        splits={
            "train": [("a dog", "ein Hund")],
            "validation": [("a cat", "eine Katze")],
            "test": [("a mouse", "eine Maus"), ("two mice", "zwei Mäuse")],
        },
    )
    write_corpus(text, tmp_path / "corpora" / "tiny")
    return tmp_path / "corpora" / "tiny"


def test_a_split_is_read_in_order(corpus: Path) -> None:
    test = read_split(corpus, "test", LineLimits())
    assert (test.sources, test.targets) == (["a mouse", "two mice"], ["eine Maus", "zwei Mäuse"])


def test_lines_that_the_pipeline_rejects_are_left_out(corpus: Path) -> None:
    lines = b"a mouse\teine Maus\nno tab\n\tohne Quelle\ntoo long for us\tzu lang\ncaf\xe9\tX\n"
    (corpus / "test-00000-of-00001.tsv.gz").write_bytes(gzip.compress(lines))
    assert read_split(corpus, "test", LineLimits(max_words=3)).sources == ["a mouse"]


def test_the_columns_of_features_are_no_text(corpus: Path) -> None:
    path = corpus / "corpus.json"
    document = json.loads(path.read_text(encoding="utf-8")) | {"features": ["domain"]}
    path.write_text(json.dumps(document), encoding="utf-8")
    (corpus / "test-00000-of-00001.tsv.gz").write_bytes(gzip.compress(b"a mouse\tMaus\tpets\n"))
    assert read_split(corpus, "test", LineLimits()).targets == ["Maus"]


def test_a_task_gives_its_systems_the_corpus_by_its_path(corpus: Path) -> None:
    task = prepare_task("multi30k", ["data.corpus=tiny", "seed=3"], str(corpus.parents[1]))
    assert task.overrides == ("data.corpus=tiny", "seed=3", f'data.corpus="{corpus}"')
    assert (task.config.seed, task.corpus) == (3, str(corpus))
    assert task.read("train").sources == ["a dog"]


def test_a_remote_workspace_is_refused_with_what_to_do() -> None:
    with pytest.raises(UserError, match="give a --workspace on this disk"):
        prepare_task("multi30k", [], "gs://bucket/workspace")
