import gzip
import json
import os
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
import tensorflow as tf
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from components import parallel_text_example_gen
from components.corpus_shards import find_shards
from components.ingestion_report import SplitCounts, TooManyRejectedError
from components.line_judging import LineRules
from components.parallel_text import SPLITS, CorpusError, LineLimits
from components.parallel_text_example_gen import (
    ParallelTextExampleGen,
    ParallelTextExecutor,
    ReadShard,
)
from pipeline.corpora import folder as corpus_folder
from pipeline.corpora.folder import CorpusText
from pipeline.corpora.spans import read_spans
from tests.components.beam_arguments import BEAM_ARGS

LINE_OF_SEPARATORS = "one\u2028two\u0085three\x0bfour\tein\u2029s".encode()

# A shard cut off by an interrupted copy.
CUT_GZIP = gzip.compress(random.Random(0).randbytes(20_000).hex().encode(), mtime=0)[:-20]

BAD_LINES = {
    "wrong_columns": b"no tab",
    "empty_side": b"\tein Satz",
    "nul_byte": b"a\0b\tc",
    "invalid_utf8": b"a door\teine T\xfcr",
    "too_long": b"x" * 100_000 + b"\ty",
    "length_ratio": b"word " * 50 + b"\tWort",
}


def lines_of(name: str, count: int) -> list[bytes]:
    return [f"{name} sentence {number}\t{name} Satz {number}".encode() for number in range(count)]


def write_shard(path: Path, lines: Iterable[bytes]) -> None:
    content = b"".join(line + b"\n" for line in lines)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_corpus(folder: Path) -> Path:
    """Writes a good corpus of plain and gzip shards."""
    folder.mkdir()
    write_shard(folder / "train-00000.tsv", lines_of("first", 20))
    write_shard(folder / "train-00001.tsv.gz", lines_of("second", 20))
    write_shard(folder / "validation-00000.tsv.gz", lines_of("validation", 5))
    write_shard(folder / "test-00000.tsv", lines_of("test", 5))
    (folder / "corpus.json").write_text("{}", encoding="utf-8")
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Returns a good corpus, in a folder with a name that would confuse a glob."""
    return write_corpus(tmp_path / "corpora [en-de]")


def ingest(corpus: Path, output: Path, **settings: Any) -> standard_artifacts.Examples:
    """Runs the executor like a runner, without metadata."""
    component = ParallelTextExampleGen(str(corpus), **settings)
    exec_properties = {
        key: proto_utils.proto_to_json(value) if hasattr(value, "DESCRIPTOR") else value
        for key, value in component.exec_properties.items()
    }
    examples = standard_artifacts.Examples()
    examples.uri = str(output)
    executor = ParallelTextExecutor(BaseBeamExecutor.Context(beam_pipeline_args=list(BEAM_ARGS)))
    executor.Do({}, {"examples": [examples]}, exec_properties)
    return examples


def read_examples(uri: str, split: str) -> list[dict[str, list[bytes]]]:
    records = tf.data.TFRecordDataset(
        tf.io.gfile.glob(f"{uri}/Split-{split}/*"), compression_type="GZIP"
    )
    features = [tf.train.Example.FromString(record.numpy()).features for record in records]
    return [
        {name: list(value.bytes_list.value) for name, value in sorted(each.feature.items())}
        for each in features
    ]


def read_rejected(uri: str, split: str) -> list[list[str]]:
    header, *rows = Path(uri, "rejected", f"{split}.tsv").read_text(encoding="utf-8").splitlines()
    assert header.split("\t") == ["shard", "line", "reason", "text", "detail"]
    return [row.split("\t") for row in rows]


def test_the_splits_of_the_folder_are_the_splits_of_the_examples(
    corpus: Path, tmp_path: Path
) -> None:
    examples = ingest(corpus, tmp_path / "examples")

    assert artifact_utils.decode_split_names(examples.split_names) == [
        "train",
        "validation",
        "test",
    ]
    assert read_examples(examples.uri, "train") == [
        {
            "length_bucket": [b"01-10"],
            "source": [line.split(b"\t")[0]],
            "target": [line.split(b"\t")[1]],
        }
        for line in lines_of("first", 20) + lines_of("second", 20)
    ]
    assert len(read_examples(examples.uri, "validation")) == 5
    assert len(read_examples(examples.uri, "test")) == 5


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> standard_artifacts.Examples:
    """Returns examples of a corpus with every kind of bad line, at even positions of two shards."""
    root = tmp_path_factory.mktemp("mixed")
    corpus = write_corpus(root / "corpus")
    good = lines_of("more", len(BAD_LINES))
    lines = [line for pair in zip(good, BAD_LINES.values(), strict=True) for line in pair]
    write_shard(corpus / "train-00002.tsv.gz", lines)
    write_shard(corpus / "test-00001.tsv", lines)
    write_shard(corpus / "validation-00000.tsv.gz", [LINE_OF_SEPARATORS])
    return ingest(corpus, root / "examples", max_rejected_fraction=0.5)


@pytest.mark.parametrize(
    ("split", "shard"), [("train", "train-00002.tsv.gz"), ("test", "test-00001.tsv")]
)
def test_every_kind_of_bad_line_is_kept_with_its_place(
    mixed: standard_artifacts.Examples, split: str, shard: str
) -> None:
    places = {(row[0], row[1], row[2]) for row in read_rejected(mixed.uri, split)}

    assert places == {
        (shard, str(2 * number), reason) for number, reason in enumerate(BAD_LINES, start=1)
    }


def test_every_kind_of_bad_line_is_counted(mixed: standard_artifacts.Examples) -> None:
    report = json.loads(Path(mixed.uri, "ingestion.json").read_text(encoding="utf-8"))

    assert report["splits"]["train"]["rejected"] == dict.fromkeys(BAD_LINES, 1)
    assert report["splits"]["validation"]["rejected"] == {}
    # Only a corpus with declared features can have bad values.
    assert report["rejected"] == dict.fromkeys(BAD_LINES, 2) | {"feature_value": 0}


def test_the_good_lines_among_bad_ones_are_examples(mixed: standard_artifacts.Examples) -> None:
    assert len(read_examples(mixed.uri, "train")) == 40 + len(BAD_LINES)
    assert len(read_examples(mixed.uri, "test")) == 5 + len(BAD_LINES)


def test_the_artifact_tells_how_many_lines_were_read_accepted_and_rejected(
    mixed: standard_artifacts.Examples,
) -> None:
    assert mixed.get_int_custom_property("read") == 46 + 4 * len(BAD_LINES)
    assert mixed.get_int_custom_property("accepted") == 46 + 2 * len(BAD_LINES)
    assert mixed.get_int_custom_property("rejected") == 2 * len(BAD_LINES)


def test_a_unicode_line_separator_does_not_split_a_line(mixed: standard_artifacts.Examples) -> None:
    [example] = read_examples(mixed.uri, "validation")

    assert example["source"][0] + b"\t" + example["target"][0] == LINE_OF_SEPARATORS


def test_a_corpus_past_the_limit_stops_with_the_report_and_keeps_the_rejected_lines(
    corpus: Path, tmp_path: Path
) -> None:
    write_shard(corpus / "train-00002.tsv", BAD_LINES.values())

    with pytest.raises(TooManyRejectedError) as error:
        ingest(corpus, tmp_path / "examples")

    message = str(error.value)
    kept = f"{tmp_path}/examples-rejected"
    assert "6 of 56 lines" in message
    assert all(f"{reason} 1" in message for reason in BAD_LINES)
    assert "train-00002.tsv:1: wrong_columns (1 instead of 2): no tab" in message
    assert kept in message
    assert len(Path(kept, "train.tsv").read_text(encoding="utf-8").splitlines()) == 7


def test_half_made_files_are_no_shards(corpus: Path) -> None:
    for name in ("train-00002.tsv.part", "train-00002.tsv~", "train-00002.tsv.gz.part"):
        (corpus / name).touch()

    shards = find_shards(str(corpus), "train-*.tsv*")

    assert [Path(shard).name for shard in shards] == ["train-00000.tsv", "train-00001.tsv.gz"]


def counts_of(path: Path) -> SplitCounts:
    [counts] = [
        output.value
        for output in ReadShard(LineRules(LineLimits())).process(str(path))
        if isinstance(output, beam.pvalue.TaggedOutput) and output.tag == "counts"
    ]
    return counts


@pytest.mark.parametrize("content", [b"", gzip.compress(b"")], ids=["no byte", "no line"])
def test_a_gzip_shard_without_a_line_is_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "test-00000.tsv.gz").write_bytes(content)

    assert counts_of(tmp_path / "test-00000.tsv.gz").empty_shards == ["test-00000.tsv.gz"]


@pytest.mark.parametrize(
    "content",
    [
        CUT_GZIP,
        b"a\tb\n",
        CUT_GZIP[:1000] + b"\xff" * 1000,
        CUT_GZIP[:-20] + b"\0" * 8,
    ],
    ids=["cut short", "no gzip", "damaged inside", "damaged at the end"],
)
def test_a_damaged_gzip_shard_is_seen(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "test-00000.tsv.gz").write_bytes(content)

    assert list(counts_of(tmp_path / "test-00000.tsv.gz").damaged_shards) == ["test-00000.tsv.gz"]


def test_a_damaged_shard_stops_the_run_by_name(corpus: Path, tmp_path: Path) -> None:
    (corpus / "train-00001.tsv.gz").write_bytes(CUT_GZIP)

    with pytest.raises(
        CorpusError, match=r"train-00001\.tsv\.gz cannot be read \(.+\); replace it"
    ):
        ingest(corpus, tmp_path / "examples")


def test_an_empty_plain_shard_is_named(corpus: Path, tmp_path: Path) -> None:
    (corpus / "train-00001.tsv").touch()

    with pytest.raises(CorpusError, match=r"train-00001\.tsv is empty"):
        ingest(corpus, tmp_path / "examples")


def test_a_split_without_an_accepted_line_is_named(corpus: Path, tmp_path: Path) -> None:
    write_shard(corpus / "test-00000.tsv", [b"no tab"])

    with pytest.raises(CorpusError, match="no line of the test split was accepted"):
        ingest(corpus, tmp_path / "examples", max_rejected_fraction=1.0)


def test_a_missing_split_is_named(corpus: Path, tmp_path: Path) -> None:
    (corpus / "test-00000.tsv").unlink()

    with pytest.raises(CorpusError, match=r"has no test-\*\.tsv or test-\*\.tsv\.gz"):
        ingest(corpus, tmp_path / "examples")


def test_an_empty_corpus_lacks_every_split(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(CorpusError, match=r"train-\*\.tsv.*validation-\*\.tsv.*test-\*\.tsv"):
        ingest(tmp_path / "empty", tmp_path / "examples")


def test_a_missing_corpus_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="There is no corpus folder"):
        ingest(tmp_path / "nowhere", tmp_path / "examples")


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_an_impossible_fraction_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="max_rejected_fraction must be from 0 to 1"):
        ParallelTextExampleGen("corpus", max_rejected_fraction=fraction)


def run_pipeline(root: Path, **settings: Any) -> str:
    """Runs a pipeline of this node on ML Metadata; returns the state of the newest execution."""
    connection = sqlite_metadata_connection_config(str(root / "metadata.db"))
    LocalDagRunner().run(
        Pipeline(
            "ingestion",
            pipeline_root=str(root / "artifacts"),
            components=[ParallelTextExampleGen(str(root / "corpus"), **settings)],
            enable_cache=True,
            metadata_connection_config=connection,
            beam_pipeline_args=list(BEAM_ARGS),
        )
    )
    with metadata.Metadata(connection) as handle:
        newest = max(handle.store.get_executions(), key=lambda execution: execution.id)
    return type(newest).State.Name(newest.last_known_state)


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder after one run of the pipeline."""
    root = tmp_path_factory.mktemp("first_run")
    write_corpus(root / "corpus")
    assert run_pipeline(root) == "COMPLETE"
    return root


def test_an_unchanged_corpus_is_a_cache_hit_even_when_its_files_are_newer(first_run: Path) -> None:
    for shard in (first_run / "corpus").iterdir():
        os.utime(shard, (2_000_000_000, 2_000_000_000))

    assert run_pipeline(first_run) == "CACHED"


def test_an_edit_that_keeps_size_and_time_runs_the_node_again(first_run: Path) -> None:
    shard = first_run / "corpus" / "test-00000.tsv"
    original, time = shard.read_bytes(), shard.stat().st_mtime
    shard.write_bytes(original.replace(b"Satz", b"Text"))
    os.utime(shard, (time, time))

    state = run_pipeline(first_run)

    shard.write_bytes(original)
    assert state == "COMPLETE"


def made_corpus(folder: Path, word: str) -> str:
    """Makes or replaces a corpus as `nmt corpus import --force` does; returns its checksum."""
    splits = {split: [(f"{split} {word}", f"{split} {word}")] for split in SPLITS}
    text = CorpusText("made", "en", "de", "CC0", "this test", splits)  # type: ignore[arg-type]
    return corpus_folder.write_corpus(text, folder, replace=True).checksum


def test_a_corpus_replaced_while_it_is_read_stops_the_run_and_is_not_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checksum = made_corpus(tmp_path / "corpus", "old")
    find = parallel_text_example_gen.require_shards

    def replace_first(*arguments: Any) -> dict[str, list[str]]:
        made_corpus(tmp_path / "corpus", "new")  # after TFX's driver has fingerprinted the old one
        return find(*arguments)

    monkeypatch.setattr(parallel_text_example_gen, "require_shards", replace_first)
    with pytest.raises(CorpusError, match="replaced or changed"):
        run_pipeline(tmp_path, corpus_checksum=checksum)

    monkeypatch.undo()
    assert made_corpus(tmp_path / "corpus", "old") == checksum
    assert run_pipeline(tmp_path, corpus_checksum=checksum) == "COMPLETE"
    [uri] = (tmp_path / "artifacts/ParallelTextExampleGen/examples").iterdir()
    assert [each["source"] for each in read_examples(str(uri), "train")] == [[b"train old"]]


def test_a_corpus_replaced_before_it_is_read_stops_the_run(tmp_path: Path) -> None:
    checksum = made_corpus(tmp_path / "corpus", "old")
    made_corpus(tmp_path / "corpus", "new")
    with pytest.raises(CorpusError, match="Run again"):
        ingest(tmp_path / "corpus", tmp_path / "output", corpus_checksum=checksum)


@pytest.mark.parametrize("train_spans", [None, 1])
def test_the_text_that_is_read_has_the_checksum_of_the_corpus_with_its_spans(
    tmp_path: Path, train_spans: int | None
) -> None:
    folder = tmp_path / "corpus"
    made_corpus(folder, "old")
    for number in (9, 10):  # in the order of names, span-10 comes first
        (folder / f"span-{number}").mkdir()
        write_shard(folder / f"span-{number}/train-0.tsv.gz", lines_of(f"span {number}", 2))
    checksum = read_spans(corpus_folder.load_corpus(folder), folder, train_spans).checksum
    settings = {"train_spans": train_spans, "corpus_checksum": checksum}
    ingest(folder, tmp_path / "output", **settings)
    write_shard(folder / "span-10/train-0.tsv.gz", lines_of("changed", 2))
    with pytest.raises(CorpusError, match="replaced or changed"):
        ingest(folder, tmp_path / "again", **settings)


def test_another_limit_runs_the_node_again(first_run: Path) -> None:
    assert run_pipeline(first_run, max_words=100) == "COMPLETE"


def test_a_stopped_run_raises_the_report_and_leaves_only_the_rejected_lines(
    tmp_path: Path,
) -> None:
    write_shard(write_corpus(tmp_path / "corpus") / "train-00002.tsv", BAD_LINES.values())

    with pytest.raises(TooManyRejectedError, match="6 of 56 lines") as error:
        run_pipeline(tmp_path)

    [kept] = (tmp_path / "artifacts/ParallelTextExampleGen/examples").iterdir()
    assert str(kept) in str(error.value)
    assert {path.name for path in kept.iterdir()} == {"train.tsv", "validation.tsv", "test.tsv"}


def test_the_examples_are_those_of_the_spans_too_and_rejected_lines_name_their_span(
    corpus: Path, tmp_path: Path
) -> None:
    (corpus / "span-1").mkdir()
    write_shard(corpus / "span-1/train-00000.tsv", [*lines_of("later", 3), b"no tab"])

    everything = ingest(corpus, tmp_path / "all", max_rejected_fraction=1)
    newest = ingest(corpus, tmp_path / "newest", max_rejected_fraction=1, train_spans=1)

    assert len(read_examples(everything.uri, "train")) == 43
    assert len(read_examples(newest.uri, "train")) == 3
    assert [row[0] for row in read_rejected(newest.uri, "train")] == ["span-1/train-00000.tsv"]


def test_training_lines_with_a_held_out_sentence_are_left_out_of_a_corpus_with_spans(
    corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source, target = (line.split(b"\t")[side] for side, line in enumerate(lines_of("first", 2)))
    write_shard(corpus / "train-00002.tsv", [b"TEST SENTENCE!\tAnders", b"Other\tTest Satz 77"])
    assert len(read_examples(ingest(corpus, tmp_path / "no-span").uri, "train")) == 42

    (corpus / "span-1").mkdir()
    write_shard(corpus / "span-1/test-0.tsv.gz", [source + b" more\t" + target, b"broken"])
    write_shard(corpus / "span-1/train-0.tsv", [b"Validation, sentence\tx", b"new\tneu"])
    caplog.set_level("INFO", "components")
    examples = ingest(corpus, tmp_path / "span", max_rejected_fraction=1)

    sources = [each["source"][0] for each in read_examples(examples.uri, "train")]
    assert sources == [line.split(b"\t")[0] for line in lines_of("second", 20)] + [b"new"]
    assert len(read_examples(examples.uri, "test")) == 6
    assert "left out of training: 23 pairs with a sentence of validation or test" in caplog.text
    report = json.loads(Path(examples.uri, "ingestion.json").read_text(encoding="utf-8"))
    assert (report["held_out"], report["read"], report["accepted"]) == (23, 56, 32)
    assert report["splits"]["train"]["held_out"] == 23


def filtered_corpus(folder: Path) -> Path:
    """Writes a corpus with untranslated lines and near-duplicates in every split."""
    write_corpus(folder)
    noise = [b"untranslated\tuntranslated", b"One more\tNoch einer", b"ONE MORE!\tNoch einer 2"]
    for name in ("train-00002.tsv", "validation-00001.tsv", "test-00001.tsv"):
        write_shard(folder / name, noise)
    write_shard(folder / "train-00003.tsv.gz", [b"one more\tnoch einer", b"new\tneu"])
    return folder


def test_filters_leave_out_training_pairs_and_count_those_of_validation_and_test(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    corpus = filtered_corpus(tmp_path / "corpus")
    caplog.set_level("INFO", "components")
    filters = ["identical_sides", "mojibake"]
    examples = ingest(corpus, tmp_path / "examples", filters=filters, languages=("en", "de"))

    assert len(read_examples(examples.uri, "train")) == 44
    assert [len(read_examples(examples.uri, split)) for split in ("validation", "test")] == [8, 8]
    assert read_rejected(examples.uri, "train") == [
        ["train-00002.tsv", "1", "identical_sides", r"untranslated\tuntranslated", "untranslated"]
    ]
    assert read_rejected(examples.uri, "test") == []
    report = json.loads(Path(examples.uri, "ingestion.json").read_text(encoding="utf-8"))
    assert report["filtered"] == {"identical_sides": 1, "mojibake": 0}
    assert report["flagged"] == {"identical_sides": 2, "mojibake": 0}
    assert report["splits"]["test"]["samples"]["identical_sides"][0][:2] == ["test-00001.tsv", 1]
    assert "filters left out 1 training pairs, and found 1 in validation and 1 in test" in (
        caplog.text
    )
    assert r"train-00002.tsv:1: untranslated: untranslated\tuntranslated" in caplog.text
    assert "mojibake 0" in caplog.text


def test_the_first_of_near_duplicates_stays_over_all_shards(tmp_path: Path) -> None:
    corpus = filtered_corpus(tmp_path / "corpus")
    write_shard(corpus / "train-00000.tsv", lines_of("first", 1))
    write_shard(corpus / "train-00001.tsv.gz", lines_of("second", 1))

    names = ["near_duplicates", "identical_sides"]
    examples = ingest(corpus, tmp_path / "examples", filters=names)

    sources = [each["source"][0] for each in read_examples(examples.uri, "train")]
    assert sources == [b"first sentence 0", b"second sentence 0", b"One more", b"new"]
    places = [row[:3] for row in read_rejected(examples.uri, "train")]
    assert sorted(places) == [
        ["train-00002.tsv", "1", "identical_sides"],
        ["train-00002.tsv", "3", "near_duplicates"],
        ["train-00003.tsv.gz", "1", "near_duplicates"],
    ]


def test_a_filter_that_finds_most_of_the_training_text_stops_the_run(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    write_shard(corpus / "train-00000.tsv", [b"same\tsame"] * 21)
    with pytest.raises(TooManyRejectedError, match="more than half of the train pairs") as error:
        ingest(corpus, tmp_path / "examples", filters=["identical_sides"])
    assert "identical_sides 21" in str(error.value)


def test_an_unknown_filter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'x' is no filter; there are identical_sides, "):
        ParallelTextExampleGen(str(tmp_path), filters=["x"])
