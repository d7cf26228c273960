"""The shards read by a run from a corpus with spans."""

from pathlib import Path

import pytest
from tfx.proto import example_gen_pb2
from tfx.utils import proto_utils

from components.corpus_shards import ContentProcessor, require_shards, shard_name
from components.corpus_spans import chosen, span_folders
from components.parallel_text import CorpusError
from components.parallel_text_example_gen import ParallelTextExampleGen

PATTERNS = {split: f"{split}-*.tsv*" for split in ("train", "validation", "test")}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Returns a corpus with two spans; the second has test sentences too."""
    for name in (
        "train-0.tsv",
        "validation-0.tsv",
        "test-0.tsv",
        "span-9/train-0.tsv",
        "span-10/train-0.tsv",
        "span-10/test-0.tsv",
        "span-11.partial/train-0.tsv",
        "spanish/train-0.tsv",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{name}\t{name}\n", encoding="utf-8")
    return tmp_path


def names(corpus: Path, train_spans: int | None = None) -> dict[str, list[str]]:
    shards = require_shards(str(corpus), PATTERNS, train_spans)
    return {split: [shard_name(path) for path in paths] for split, paths in shards.items()}


def test_spans_are_ordered_by_their_numbers() -> None:
    found = span_folders(["span-10", "span-9", "span-x", "span-", "train-0.tsv", "aspan-1"])
    assert found == {9: "span-9", 10: "span-10"}


def test_two_folders_of_one_number_are_refused() -> None:
    with pytest.raises(CorpusError, match="span-01 and span-1 are the same span"):
        span_folders(["span-1", "span-01"])


def test_a_run_reads_the_corpus_and_all_its_spans(corpus: Path) -> None:
    assert names(corpus) == {
        "train": ["train-0.tsv", "span-9/train-0.tsv", "span-10/train-0.tsv"],
        "validation": ["validation-0.tsv"],
        "test": ["test-0.tsv", "span-10/test-0.tsv"],
    }


@pytest.mark.parametrize(
    ("train_spans", "expected"),
    [
        (1, ["span-10/train-0.tsv"]),
        (2, ["span-9/train-0.tsv", "span-10/train-0.tsv"]),
        (3, ["train-0.tsv", "span-9/train-0.tsv", "span-10/train-0.tsv"]),
        (9, ["train-0.tsv", "span-9/train-0.tsv", "span-10/train-0.tsv"]),
    ],
)
def test_a_window_rolls_over_the_training_split_alone(
    corpus: Path, train_spans: int, expected: list[str]
) -> None:
    found = names(corpus, train_spans)
    assert found["train"] == expected
    assert found["test"] == names(corpus)["test"]


def test_other_splits_are_never_left_out() -> None:
    assert chosen(["old", "new"], "test", 1) == ["old", "new"]


def processor(corpus: Path, train_spans: int | None = None) -> ContentProcessor:
    config = example_gen_pb2.Input()
    text = ParallelTextExampleGen(str(corpus)).exec_properties["input_config"]
    proto_utils.json_to_proto(text, config)
    made = ContentProcessor(str(corpus), config.splits, None)
    made.train_spans = train_spans
    return made


def test_the_newest_span_is_recorded(corpus: Path) -> None:
    assert processor(corpus).resolve_span_and_version() == (10, None)


def test_a_corpus_without_spans_is_span_0(tmp_path: Path) -> None:
    (tmp_path / "train-0.tsv").touch()
    assert processor(tmp_path).resolve_span_and_version() == (0, None)


def test_a_new_span_changes_the_fingerprint(corpus: Path) -> None:
    before = processor(corpus).get_input_fingerprint(10, None)
    (corpus / "span-11").mkdir()
    assert processor(corpus).get_input_fingerprint(10, None) == before
    (corpus / "span-11/train-0.tsv").write_text("new\tneu\n", encoding="utf-8")
    assert processor(corpus).get_input_fingerprint(11, None) != before


def test_a_span_that_the_window_leaves_out_does_not_matter(corpus: Path) -> None:
    before = processor(corpus, 1).get_input_fingerprint(10, None)
    (corpus / "span-9/train-0.tsv").unlink()
    assert processor(corpus, 1).get_input_fingerprint(10, None) == before


def test_a_window_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="train_spans must be 1 or more, or None for all, not 0"):
        ParallelTextExampleGen("/corpus", train_spans=0)
