"""Transform's preprocessing on Beam, without the rest of TFX."""

import importlib

import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from tests.trainer.tiny import SUBWORDS, parallel_text, write_vocabulary
from trainer.preprocessing import preprocessing_fn
from trainer.subwords import SubwordDecoder, SubwordEncoder, read_vocabulary
from trainer.vocabulary_analyzers import VOCABULARY

METADATA = dataset_metadata.DatasetMetadata(
    schema_utils.schema_from_feature_spec(
        {side: tf.io.FixedLenFeature([], tf.string) for side in ("source", "target")}
    )
)


@pytest.fixture(scope="module")
def transformed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transform")
    rows = [{"source": source, "target": target} for source, target in parallel_text()]
    config = {"subwords": SUBWORDS.model_dump()}
    with tft_beam.Context(temp_dir=str(folder / "temp")):
        (data, _), function = (rows, METADATA) | tft_beam.AnalyzeAndTransformDataset(
            lambda inputs: preprocessing_fn(inputs, config)
        )
        function | tft_beam.WriteTransformFn(str(folder))
    return data, tft.TFTransformOutput(str(folder))


def test_the_vocabulary_is_learned_from_the_words_of_both_sides(transformed):
    _, output = transformed
    vocabulary = read_vocabulary(output.vocabulary_file_by_name(VOCABULARY))
    assert len(vocabulary) <= SUBWORDS.vocabulary_size
    assert {"▁the", "▁die", "▁The", "▁Die"} <= set(vocabulary)
    assert max(map(len, vocabulary[260:])) <= SUBWORDS.max_piece_characters


def test_the_ids_decode_to_the_text(transformed):
    data, output = transformed
    decode = SubwordDecoder(read_vocabulary(output.vocabulary_file_by_name(VOCABULARY)))
    found = {
        tuple(
            decode(tf.constant(row[f"{side}_ids"])).numpy().decode()
            for side in ("source", "target")
        )
        for row in data
    }
    assert found == set(parallel_text())


def test_the_graph_encodes_as_the_encoder_does(transformed):
    data, output = transformed
    encode = SubwordEncoder(
        output.vocabulary_file_by_name(VOCABULARY), SUBWORDS.max_piece_characters
    )
    for row, (source, _) in zip(data, parallel_text(), strict=True):
        assert list(row["source_ids"]) == encode(tf.constant([source])).to_list()[0]


def test_a_given_vocabulary_is_taken_as_it_is_whatever_the_words(tmp_path):
    # As TFX does for another run in this process: `preprocessing_fn` is of the module before.
    importlib.reload(importlib.import_module(preprocessing_fn.__module__))
    given = write_vocabulary(tmp_path)
    rows = [{"source": "Neu: żółw €", "target": "ganz neu"}]
    config = {"subwords": SUBWORDS.model_dump(), "vocabulary": given}
    with tft_beam.Context(temp_dir=str(tmp_path / "temp")):
        (data, _), function = (rows, METADATA) | tft_beam.AnalyzeAndTransformDataset(
            lambda inputs: preprocessing_fn(inputs, config)
        )
        function | tft_beam.WriteTransformFn(str(tmp_path / "function"))
    output = tft.TFTransformOutput(str(tmp_path / "function"))
    vocabulary = read_vocabulary(output.vocabulary_file_by_name(VOCABULARY))
    assert vocabulary == read_vocabulary(given)
    decode = SubwordDecoder(vocabulary)
    assert decode(tf.constant(data[0]["source_ids"])).numpy().decode() == "Neu: żółw €"
