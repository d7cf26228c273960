"""The components with a corpus that has further columns in its lines."""

import json
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.components import SchemaGen, StatisticsGen
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto.transform_pb2 import SplitsConfig

from components.corpus_features import check_features, declared_features
from components.corpus_shards import ContentProcessor
from components.deterministic_transform import DeterministicTransform
from components.parallel_text import CorpusError
from components.parallel_text_example_gen import ParallelTextExampleGen
from components.strict_example_validator import StrictExampleValidator
from tests.components.beam_arguments import BEAM_ARGS
from tests.components.test_corpus_spans import processor

DOMAINS = {"train": "news", "span-1/train": "law", "validation": "sport", "test": "weather"}
SPLITS = ("train", "validation", "test")


def write_corpus(folder: Path, features: list[str]) -> Path:
    """Writes a corpus; no two splits have a domain or a sentence in common."""
    for shard, domain in DOMAINS.items():
        path = folder / f"{shard}-0.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{shard} {number}\t{domain} {number}\t{domain}\t2024\n" for number in range(30)]
        path.write_text("".join(lines), encoding="utf-8")
    information = json.dumps({"features": features})
    (folder / "corpus.json").write_text(information, encoding="utf-8")
    return folder


def fingerprint(corpus: Path) -> str:
    made: ContentProcessor = processor(corpus)
    return made.get_input_fingerprint(1, None)


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs the steps before the Trainer on the corpus, with an inferred schema."""
    root = tmp_path_factory.mktemp("features")
    corpus = write_corpus(root / "corpus", ["domain", "year"])
    example_gen = ParallelTextExampleGen(str(corpus))
    examples = example_gen.outputs["examples"]
    statistics_gen = StatisticsGen(examples=examples)
    statistics = statistics_gen.outputs["statistics"]
    schema_gen = SchemaGen(statistics=statistics, infer_feature_shape=True)
    schema = schema_gen.outputs["schema"]
    validator = StrictExampleValidator(statistics=statistics, schema=schema)
    transform = DeterministicTransform(
        examples=examples,
        schema=schema,
        preprocessing_fn="trainer.preprocessing.preprocessing_fn",
        splits_config=SplitsConfig(analyze=["train"], transform=["train", "validation"]),
        custom_config={
            "subwords": {"vocabulary_size": 300},
            "vocabulary": None,
            "features": ["domain"],
        },
    )
    transform.add_upstream_node(validator)
    LocalDagRunner().run(
        Pipeline(
            "features",
            pipeline_root=str(root / "artifacts"),
            components=[example_gen, statistics_gen, schema_gen, validator, transform],
            enable_cache=False,
            metadata_connection_config=(
                sqlite_metadata_connection_config(str(root / "metadata.db"))
            ),
            beam_pipeline_args=list(BEAM_ARGS),
        )
    )
    return root / "artifacts"


def records_in(folder: Path, split: str) -> list[bytes]:
    [files] = folder.glob(f"*/Split-{split}")
    records = tf.data.TFRecordDataset([str(path) for path in files.glob("*.gz")], "GZIP")
    return [record.numpy() for record in records]


def features_in(folder: Path, split: str) -> list[dict[str, tf.train.Feature]]:
    return [
        dict(tf.train.Example.FromString(record).features.feature)
        for record in records_in(folder, split)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("split", "domains"),
    [("train", {b"news", b"law"}), ("validation", {b"sport"}), ("test", {b"weather"})],
)
def test_each_feature_is_one_of_the_raw_example(
    artifacts: Path, split: str, domains: set[bytes]
) -> None:
    examples = features_in(artifacts / "ParallelTextExampleGen/examples", split)
    assert len(examples) == 30 * len(domains)
    assert {tuple(sorted(each)) for each in examples} == {
        ("domain", "length_bucket", "source", "target", "year")
    }
    assert {each["domain"].bytes_list.value[0] for each in examples} == domains
    assert {each["year"].bytes_list.value[0] for each in examples} == {b"2024"}


@pytest.mark.slow
def test_values_that_the_training_split_lacks_stop_nothing(artifacts: Path) -> None:
    examples = features_in(artifacts / "Transform/transformed_examples", "validation")
    assert {each["domain"].bytes_list.value[0] for each in examples} == {b"sport"}


@pytest.mark.slow
def test_transform_keeps_the_features_that_weigh_pairs_and_ignores_the_others(
    artifacts: Path,
) -> None:
    examples = features_in(artifacts / "Transform/transformed_examples", "train")
    assert {tuple(sorted(each)) for each in examples} == {("domain", "source_ids", "target_ids")}
    assert {each["domain"].bytes_list.value[0] for each in examples} == {b"news", b"law"}


@pytest.mark.slow
def test_transform_makes_neither_statistics_nor_a_cache(artifacts: Path) -> None:
    made = {path.name for path in (artifacts / "Transform").iterdir()}
    assert made - {".system"} == {"transform_graph", "transformed_examples"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "folder", ["ParallelTextExampleGen/examples", "Transform/transformed_examples"]
)
def test_each_example_has_its_features_in_the_order_of_their_names(
    artifacts: Path, folder: str
) -> None:
    records = records_in(artifacts / folder, "train")
    assert records == [
        tf.train.Example.FromString(record).SerializeToString(deterministic=True)
        for record in records
    ]


def test_another_name_for_a_column_changes_the_fingerprint(tmp_path: Path) -> None:
    one = fingerprint(write_corpus(tmp_path, ["domain", "year"]))
    other = fingerprint(write_corpus(tmp_path, ["genre", "year"]))
    assert one != other


def test_a_corpus_without_features_keeps_its_fingerprint(tmp_path: Path) -> None:
    declared = fingerprint(write_corpus(tmp_path, []))
    (tmp_path / "corpus.json").unlink()
    assert fingerprint(tmp_path) == declared


@pytest.mark.parametrize(
    ("information", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "must be an object"),
        ('{"features": "domain"}', "a list of names"),
        ('{"features": [1]}', "1 is no name for a feature"),
        ('{"features": ["a b"]}', "'a b' is no name for a feature"),
        ('{"features": ["target"]}', "target is part of every example already"),
    ],
)
def test_a_damaged_declaration_is_a_sentence(information: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        declared_features(information)


def test_features_keep_the_order_of_their_columns() -> None:
    assert check_features(["writer", "domain", "year_2"]) == ("writer", "domain", "year_2")
