"""What a change reruns: TFX's cache looks at each node's parameters, so those must hold all that
decides what the node does, and nothing else."""

import json

import pytest
from google.protobuf import json_format

from pipeline import digests
from pipeline.config.settings import load_config
from pipeline.pipeline import Places, create_pipeline
from pipeline.warm_start import WarmStart

PLACES = Places(
    corpus="/corpora/x", pipeline_root="/pipelines/x", serving_directory="/models/x", metadata=None
)


def parameters(*overrides, checksum="c", warm_start=None):
    """The parameters of each node, as TFX's cache sees them."""
    pipeline = create_pipeline(
        load_config("debian", overrides), PLACES, checksum, warm_start=warm_start
    )
    return {
        component.id: json.dumps(
            {
                name: value if isinstance(value, str | int | float | None) else text_of(value)
                for name, value in component.exec_properties.items()
            },
            sort_keys=True,
        )
        for component in pipeline.components
    }


def text_of(value):
    return json.dumps(json_format.MessageToDict(value), sort_keys=True)


def changed(before, after):
    return {name for name in before if before[name] != after[name]}


@pytest.fixture(scope="module")
def before():
    return parameters()


def test_the_nodes_stand_in_the_order_in_which_they_run(before):
    nodes = list(before)
    assert nodes[:6] == [
        "ParallelTextExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Transform",
        "Trainer",
    ]  # fmt: skip
    # These two do not wait for each other.
    assert set(nodes[6:8]) == {"LiveModel", "ServingValidator"}
    assert nodes[8:] == ["Evaluator", "Pusher", "ModelReport"]


@pytest.mark.parametrize(
    ("override", "nodes"),
    [
        ("data.max_words=50", {"ParallelTextExampleGen"}),
        ("data.train_spans=2", {"ParallelTextExampleGen"}),
        ("data.weights={domain=a: 2}", {"Transform", "Trainer"}),
        ("subwords.vocabulary_size=500", {"Transform", "Trainer"}),
        ("model.decoder_units=64", {"Trainer"}),
        ("training.learning_rate=0.5", {"Trainer"}),
        ("decoding.beam_size=2", {"Trainer"}),
        ("evaluation.min_bleu=3", {"Evaluator"}),
        ("evaluation.significance=0.01", {"Evaluator"}),
        ("evaluation.require_improvement=true", {"Evaluator"}),
        ("evaluation.max_minutes=5", {"Evaluator"}),
        ("evaluation.slice_features=[domain]", {"Evaluator"}),
        ("serving_validation.request_seconds=5", {"ServingValidator"}),
        ("serving.keep_versions=3", {"Pusher"}),
        ("report.sentences=5", {"ModelReport"}),
        ("seed=2", {"Trainer", "Evaluator", "ModelReport"}),
    ],
)
def test_a_setting_changes_the_nodes_that_use_it(before, override, nodes):
    assert changed(before, parameters(override)) == nodes


@pytest.mark.parametrize(
    ("module", "nodes"),
    [
        ("components.corpus_spans", {"ParallelTextExampleGen"}),
        ("trainer.attention", {"Trainer"}),
        ("trainer.subwords", {"Transform", "Trainer"}),
        ("trainer.settings", {"Transform", "Trainer"}),
        ("components.gate.translation_metrics", {"Evaluator"}),
        ("components.gate.family_of_tests", {"Evaluator", "ModelReport"}),
        ("serving.attention.diagnostics", {"Trainer", "Evaluator", "ModelReport"}),
        ("serving.export.operations", {"ServingValidator", "Evaluator", "ModelReport"}),
        ("components.report.page", {"ModelReport"}),
        ("serving.heatmap.page", {"ModelReport"}),
        ("serving.heatmap.terminal", set()),
        ("pipeline.cli", set()),
    ],
)
def test_an_edit_changes_the_nodes_that_run_that_code(before, monkeypatch, module, nodes):
    edited = f"{module.replace('.', '/')}.py"

    def read_after_edit(file):
        return real_read(file) + b"# edited" * file.as_posix().endswith(edited)

    real_read = digests._read
    monkeypatch.setattr(digests, "_read", read_after_edit)
    assert changed(before, parameters()) == nodes


def test_the_corpus_checksum_is_checked_and_recorded_with_the_model(before):
    assert changed(before, parameters(checksum="d")) == {"ParallelTextExampleGen", "Trainer"}


def test_a_warm_start_changes_the_vocabulary_and_the_training(before):
    after = parameters(warm_start=WarmStart("x", 7, "/models/x/7", "content"))
    assert changed(before, after) == {"Transform", "Trainer"}
    assert "/models/x/7/assets/subwords.txt" in after["Transform"]


def test_what_the_model_card_says_of_the_corpus_is_recorded_with_the_model(before):
    config = load_config("debian")
    licensed, relicensed = (
        create_pipeline(config, PLACES, "c", corpus_facts={"licence": licence})
        for licence in ("MIT", "GPL")
    )
    changed = [
        one.id
        for one, other in zip(licensed.components, relicensed.components, strict=True)
        if str(one.exec_properties) != str(other.exec_properties)
    ]
    assert changed == ["Trainer"]


def test_no_model_waits_for_its_report():
    pipeline = create_pipeline(load_config("debian"), PLACES, "c")
    report = next(each for each in pipeline.components if each.id == "ModelReport")
    assert "Pusher" in {node.id for node in report.upstream_nodes}


def test_a_curated_schema_takes_the_place_of_the_inferred_one(before):
    from components.parallel_text import curated_schema_path

    after = parameters(f"data.schema={curated_schema_path()}")
    assert changed(before, after) == {"SchemaGen"}


def test_beam_runs_where_the_configuration_says():
    overrides = ["beam.runner=flink", "beam.portable.job_endpoint=jobs:8099"]
    pipeline = create_pipeline(load_config("debian", overrides), PLACES, "c")
    assert "--job_endpoint=jobs:8099" in pipeline.beam_pipeline_args
