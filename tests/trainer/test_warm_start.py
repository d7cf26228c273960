import numpy as np
import pytest

from tests.trainer.tiny import (
    DECODING,
    MODEL,
    SUBWORDS,
    TRAINING,
    encoded_pairs,
    write_vocabulary,
)
from tests.trainer.tiny_export import export_tiny_model
from trainer.ensemble import Ensemble
from trainer.export import export_model
from trainer.model import TranslationModel
from trainer.subwords import read_vocabulary
from trainer.training import TrainingData, train
from trainer.warm_start import WarmStartError, check_vocabulary, load_weights, vocabulary_of

SCHEDULE_OF_NOTHING = TRAINING.model_copy(update={"epochs": 1, "learning_rate": 1e-12})


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return str(export_tiny_model(tmp_path_factory.mktemp("export")))


@pytest.fixture(scope="module")
def vocabulary(export):
    return read_vocabulary(vocabulary_of(export))


def exported(vocabulary):
    """Returns the exported network."""
    return TranslationModel(MODEL, len(vocabulary), seed=8)


def test_the_weights_are_those_of_the_export(export, vocabulary):
    model = TranslationModel(MODEL, len(vocabulary), seed=1)
    load_weights(model, export)
    for found, expected in zip(model.variables, exported(vocabulary).variables, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_an_export_in_bfloat16_has_the_weights_in_float32_too(vocabulary, tmp_path):
    decoding = DECODING.model_copy(update={"precision": "bfloat16"})
    model = TranslationModel(MODEL, len(vocabulary), seed=1)
    load_weights(model, str(export_tiny_model(tmp_path, decoding=decoding)))
    for found, expected in zip(model.variables, exported(vocabulary).variables, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_of_an_ensemble_the_first_model_is_taken(vocabulary, tmp_path):
    members = [TranslationModel(MODEL, len(vocabulary), seed) for seed in (8, 9)]
    path = write_vocabulary(tmp_path)
    export_model(
        str(tmp_path / "model"), Ensemble(members), path, SUBWORDS, DECODING,
        card={}, warmup_text="The cat.",
    )  # fmt: skip
    model = TranslationModel(MODEL, len(vocabulary), seed=1)
    load_weights(model, str(tmp_path / "model"))
    for found, expected in zip(model.variables, exported(vocabulary).variables, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "change",
    [{"decoder_units": 32}, {"encoder_layers": 2}, {"attention": "luong_general"}],
)
def test_another_network_is_refused(export, vocabulary, change):
    model = TranslationModel(MODEL.model_copy(update=change), len(vocabulary), seed=1)
    with pytest.raises(WarmStartError, match="which is another network"):
        load_weights(model, export)


def test_another_vocabulary_is_refused(export, vocabulary):
    check_vocabulary(vocabulary, export)
    with pytest.raises(WarmStartError, match="not encoded with the vocabulary"):
        check_vocabulary([*vocabulary, "new"], export)


def test_training_begins_with_the_weights_of_the_export(export, vocabulary, tmp_path):
    pairs = encoded_pairs(vocabulary_of(export))
    data = TrainingData(train=pairs, validation=pairs, vocabulary=vocabulary)

    def trained(name, warm_start):
        return train(
            data, MODEL, SCHEDULE_OF_NOTHING, DECODING, seed=1,
            checkpoint_folder=str(tmp_path / name), log_folder=str(tmp_path / "logs"),
            warm_start=warm_start,
        )  # fmt: skip

    warm = trained("warm", export).model
    for found, expected in zip(warm.variables, exported(vocabulary).variables, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    cold = trained("cold", None).model
    assert any(
        not np.allclose(found, expected, atol=1e-6)
        for found, expected in zip(cold.variables, exported(vocabulary).variables, strict=True)
    )


def test_a_training_that_was_killed_goes_on_and_does_not_begin_anew(export, vocabulary, tmp_path):
    pairs = encoded_pairs(vocabulary_of(export))
    data = TrainingData(train=pairs, validation=pairs, vocabulary=vocabulary)
    folders = {"checkpoint_folder": str(tmp_path / "c"), "log_folder": str(tmp_path / "l")}
    settings = TRAINING.model_copy(update={"epochs": 1})
    first = train(data, MODEL, settings, DECODING, seed=1, warm_start=export, **folders)
    # After all epochs nothing is left to do, and the export is not needed.
    again = train(data, MODEL, settings, DECODING, seed=1, warm_start="/nowhere", **folders)
    for found, expected in zip(again.model.variables, first.model.variables, strict=True):
        np.testing.assert_array_equal(found, expected)
