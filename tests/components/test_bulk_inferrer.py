"""TFX's own BulkInferrer, for translating very large corpora with Beam, on a real export."""

from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2
from tfx.components.bulk_inferrer import executor
from tfx.proto import bulk_inferrer_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from serving.contract.signatures import SERVE_EXAMPLES
from serving.local.model import LocalModel
from tests.components.beam_arguments import BEAM_ARGS
from tests.trainer.tiny_export import export_tiny_model, serialised_example

pytestmark = pytest.mark.slow

TEXTS = ["The cat sees the mat.", "", "Größere Äpfel 日本", "The dog " * 40, "Dog!"]
MODEL_SPEC = bulk_inferrer_pb2.ModelSpec(model_signature_name=[SERVE_EXAMPLES])
COLUMNS = bulk_inferrer_pb2.OutputExampleSpec(
    output_columns_spec=[
        bulk_inferrer_pb2.OutputColumnsSpec(
            predict_output=bulk_inferrer_pb2.PredictOutput(
                output_columns=[
                    bulk_inferrer_pb2.PredictOutputCol(
                        output_key="translation", output_column="translation"
                    )
                ]
            )
        )
    ]
)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return export_tiny_model(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def expected(model) -> dict[str, str]:
    """Returns the translation of each text, translated one by one."""
    local_model = LocalModel(str(model))
    return {text: local_model.translate([text])[0].text for text in TEXTS}


def infer(model: Path, folder: Path, output: str) -> list[bytes]:
    """Runs BulkInferrer on the texts and returns the records of an output."""
    examples, trained = standard_artifacts.Examples(), standard_artifacts.Model()
    examples.uri, trained.uri = str(folder / "examples"), str(folder / "model")
    examples.split_names = artifact_utils.encode_split_names(["all"])
    split = folder / "examples" / "Split-all"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "data.gz"), "GZIP") as records:
        for text in TEXTS:
            records.write(serialised_example(text))
    (folder / "model").mkdir()
    (folder / "model" / "Format-Serving").symlink_to(model)
    result = {
        "inference_result": standard_artifacts.InferenceResult,
        "output_examples": standard_artifacts.Examples,
    }[output]()
    result.uri = str(folder / "result")
    context = executor.Executor.Context(
        beam_pipeline_args=BEAM_ARGS,
        tmp_dir=str(folder / "temporary"),
        unique_id="1",
    )
    executor.Executor(context).Do(
        {"examples": [examples], "model": [trained]},
        {output: [result]},
        {
            "data_spec": proto_utils.proto_to_json(bulk_inferrer_pb2.DataSpec()),
            "model_spec": proto_utils.proto_to_json(MODEL_SPEC),
            "output_example_spec": proto_utils.proto_to_json(COLUMNS),
        },
    )
    files = sorted(map(str, (folder / "result").rglob("*.gz")))
    return list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())


def source_of(example: bytes) -> str:
    features = tf.train.Example.FromString(example).features.feature
    return features["source"].bytes_list.value[0].decode()


def test_every_example_comes_back_with_its_translation_as_a_column(model, expected, tmp_path):
    found = {}
    for record in infer(model, tmp_path, "output_examples"):
        [translation] = (
            tf.train.Example.FromString(record).features.feature["translation"].bytes_list.value
        )
        found[source_of(record)] = translation.decode()
    assert found == expected


def test_every_example_comes_back_with_its_translation_as_a_prediction(model, expected, tmp_path):
    found = {}
    for record in infer(model, tmp_path, "inference_result"):
        log = prediction_log_pb2.PredictionLog.FromString(record).predict_log
        [example] = tf.make_ndarray(log.request.inputs["examples"])
        [[translation]] = tf.make_ndarray(log.response.outputs["translation"])
        found[source_of(example)] = translation.decode()
    assert found == expected
