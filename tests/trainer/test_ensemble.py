import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.tiny import (
    DECODING,
    MODEL,
    SUBWORDS,
    encoded_pairs,
    random_sources,
    write_vocabulary,
)
from trainer import shortlist as shortlists
from trainer.batching import Pairs, Sequences
from trainer.ensemble import Ensemble
from trainer.export import ServingModel, export_model
from trainer.model import TranslationModel
from trainer.shortlist import learn_shortlist
from trainer.subwords import read_vocabulary
from trainer.translation import force, score, search

VOCABULARY = 400
SELF_ATTENTION = MODEL.model_copy(
    update={"encoder": "self_attention", "decoder": "self_attention", "decoder_units": 8}
)
SHAPES = pytest.mark.parametrize("shape", [MODEL, SELF_ATTENTION], ids=["recurrent", "self"])


@pytest.fixture
def sources():
    rows = random_sources(np.random.default_rng(5), [7, 2, 12, 1, 5], VOCABULARY)
    return tf.ragged.constant(rows, dtype=tf.int32).to_tensor()


def models(shape, *seeds):
    return [TranslationModel(shape, VOCABULARY, seed) for seed in seeds]


@SHAPES
def test_a_model_twice_translates_as_once(shape, sources):
    [model] = models(shape, 1)
    once, twice = (search(each, sources, DECODING) for each in (model, Ensemble([model, model])))
    np.testing.assert_array_equal(once.ids, twice.ids)
    np.testing.assert_allclose(once.scores, twice.scores, atol=1e-5)
    np.testing.assert_allclose(once.attention, twice.attention, atol=1e-6)


@SHAPES
def test_probabilities_and_attention_are_the_mean_of_the_members(shape, sources):
    members = models(shape, 1, 2, 3)
    targets = sources[:, ::-1]
    alone = [force(member, sources, targets) for member in members]
    log_probs, attention = force(Ensemble(members), sources, targets)
    is_real = targets.numpy() != 0
    expected = np.mean([np.exp(each) for each, _ in alone], axis=0)
    np.testing.assert_allclose(np.exp(log_probs)[is_real], expected[is_real], rtol=1e-4)
    np.testing.assert_allclose(attention, np.mean([each for _, each in alone], 0), atol=1e-6)


@SHAPES
@pytest.mark.parametrize("is_listed", [False, True])
def test_a_search_gives_the_scores_of_its_translations(shape, is_listed, sources, monkeypatch):
    monkeypatch.setattr(shortlists, "FEWEST_SUBWORDS", 0)
    ensemble = Ensemble(models(shape, 1, 2))
    shortlist = _shortlist(ensemble) if is_listed else None
    found = search(ensemble, sources, DECODING, shortlist=shortlist)
    for hypothesis in range(DECODING.beam_size):
        ids = found.ids[:, hypothesis]
        log_probs, attention = force(ensemble, sources, ids, shortlist)
        scores = score(sources, ids, log_probs, attention, DECODING)
        np.testing.assert_allclose(scores, found.scores[:, hypothesis], atol=1e-4)


def _shortlist(ensemble):
    rng = np.random.default_rng(3)
    rows = [np.array(row, np.int32) for row in random_sources(rng, [9] * 50, VOCABULARY)]
    pairs = Pairs(*[Sequences.of(rows)] * 2)
    vocabulary = [f"piece{number}" for number in range(VOCABULARY)]
    return learn_shortlist(ensemble, pairs, vocabulary, 4, seed=1)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_an_export_answers_as_its_ensemble(precision, tmp_path, monkeypatch):
    monkeypatch.setattr(shortlists, "FEWEST_SUBWORDS", 0)
    path = write_vocabulary(tmp_path)
    vocabulary = read_vocabulary(path)
    ensemble = Ensemble([TranslationModel(MODEL, len(vocabulary), seed) for seed in (1, 2)])
    shortlist = learn_shortlist(ensemble, encoded_pairs(path), vocabulary, 4, seed=1)
    decoding = DECODING.model_copy(update={"precision": precision})
    folder = str(tmp_path / "model")
    export_model(
        folder, ensemble, path, SUBWORDS, decoding,
        card={"name": "tiny"}, warmup_text="The cat sees the mat.", shortlist=shortlist,
    )  # fmt: skip
    text = tf.constant(["The cat sees the dog.", "The dog."])
    here = ServingModel(ensemble, path, SUBWORDS, decoding, shortlist=shortlist)
    expected = here.serving_default(text)
    found = tf.saved_model.load(folder).signatures["serving_default"](text=text)
    assert found["translation"].numpy().tolist() == expected["translation"].numpy().tolist()
    for name in ("score", "attention"):
        np.testing.assert_allclose(found[name], expected[name], atol=1e-5)
