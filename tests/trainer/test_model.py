import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.tiny import DECODING, MODEL, random_sources
from trainer.layers import Dropout
from trainer.loss import translation_loss
from trainer.model import TranslationModel
from trainer.translation import force, score, search

VOCABULARY = 40
VARIANTS = {
    "bahdanau": {},
    "none, unidirectional": {"attention": "none", "bidirectional": False},
    "luong_dot, lstm": {"attention": "luong_dot", "cell": "lstm", "attend_embeddings": False},
    "luong_general, two layers": {
        "attention": "luong_general",
        "encoder_layers": 2,
        "decoder_layers": 2,
    },
    "multi_head, input feeding, two layers of lstm": {
        "attention": "multi_head",
        "cell": "lstm",
        "encoder_layers": 2,
        "decoder_layers": 2,
        "input_feeding": True,
    },
    "self-attention": {
        "encoder": "self_attention",
        "decoder": "self_attention",
        "decoder_units": 8,
        "encoder_layers": 2,
        "decoder_layers": 3,
        "feed_forward_units": 16,
    },
    "self-attention encoder, recurrent decoder": {"encoder": "self_attention"},
    "recurrent encoder, self-attention decoder": {"decoder": "self_attention", "decoder_units": 8},
}


@pytest.fixture(scope="module", params=VARIANTS.values(), ids=VARIANTS)
def settings(request):
    return MODEL.model_copy(update=request.param)


@pytest.fixture(scope="module")
def model(settings):
    return TranslationModel(settings, VOCABULARY, seed=4)


def padded(rows):
    return tf.ragged.constant(rows, dtype=tf.int32).to_tensor()


@pytest.fixture(scope="module")
def sources():
    return random_sources(np.random.default_rng(5), [7, 2, 12, 1, 5], VOCABULARY)


def test_the_same_seed_gives_the_same_weights(model, settings):
    again = TranslationModel(settings, VOCABULARY, seed=4)
    assert all(np.array_equal(a, b) for a, b in zip(model.variables, again.variables, strict=True))


@pytest.mark.parametrize(
    ("precision", "least", "most"),
    [(tf.float32, 0.0, 1e-5), (tf.bfloat16, 1e-4, 0.05), (tf.int8, 1e-4, 0.05)],
    ids=["float32", "bfloat16", "int8"],
)
def test_a_model_prepared_to_serve_says_nearly_the_same_and_keeps_its_weights(
    model, settings, sources, precision, least, most
):
    prepared = TranslationModel(settings, VOCABULARY, seed=4)
    prepared.prepare_to_serve(precision)
    batch = padded(sources)
    exact, near = (force(each, batch, batch)[0].numpy() for each in (model, prepared))
    assert least <= np.abs(near - exact).max() <= most
    assert len(prepared.variables) > len(model.variables)
    for kept, before in zip(prepared.trainable_variables, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(kept, before)


@pytest.mark.parametrize("kind", [tf.float32, tf.bfloat16], ids=lambda kind: kind.name)
def test_the_loss_depends_on_every_weight(settings, sources, kind):
    model = TranslationModel(settings, VOCABULARY, seed=4, compute_type=kind)
    weights = model.trainable_variables

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None], tf.int32)] * 2)
    def gradients(source_ids, target_ids):
        with tf.GradientTape() as tape:
            dropout = Dropout(0.1, tf.constant([1, 2]))
            loss = translation_loss(model, source_ids, target_ids, 0.1, dropout)
        return [tf.convert_to_tensor(part) for part in tape.gradient(loss, weights)]

    for part in gradients(padded(sources), padded(sources)):
        assert np.all(np.isfinite(part))
        assert np.any(part)


def test_stepping_through_a_target_gives_what_forcing_it_gives(model, sources):
    source_ids = padded(sources)
    target_ids = padded(random_sources(np.random.default_rng(6), [4, 6, 3, 2, 5], VOCABULARY))
    encoded = model.encode(source_ids)
    outputs, attention = model.force(encoded, target_ids)
    log_probs = model.predict(encoded, outputs, attention)
    state = encoded.initial_state[:, None]
    previous = tf.fill([len(sources), 1], 2)
    for t in range(target_ids.shape[1]):
        stepped, state, weights = model.step(encoded, previous, state)
        is_real = target_ids[:, t] != 0
        for expected, found in ((log_probs[:, t], stepped[:, 0]), (attention[:, t], weights[:, 0])):
            np.testing.assert_allclose(
                tf.boolean_mask(expected, is_real),
                tf.boolean_mask(found, is_real),
                rtol=1e-4,
                atol=1e-5,
            )
        previous = target_ids[:, t : t + 1]


def test_the_company_of_a_sentence_does_not_change_its_hypotheses(model, sources):
    together = search(model, padded(sources), DECODING)
    for row, source in enumerate(sources):
        alone = search(model, padded([source]), DECODING)
        steps = alone.ids.shape[2]
        assert np.array_equal(alone.lengths[0], together.lengths[row])
        assert np.array_equal(alone.ids[0], together.ids[row, :, :steps])
        np.testing.assert_allclose(alone.scores[0], together.scores[row], rtol=1e-5)
        inside = together.attention[row, :, :steps, : len(source)]
        np.testing.assert_allclose(alone.attention[0], inside, rtol=1e-4, atol=1e-6)
        assert not np.any(together.attention[row, :, :, len(source) :])


def test_forcing_a_hypothesis_gives_the_score_and_the_attention_of_the_search(model, sources):
    source_ids = padded(sources)
    found = search(model, source_ids, DECODING)
    best = found.ids[:, 0]
    log_probs, attention = force(model, source_ids, best)
    total = score(source_ids, best, log_probs, attention, DECODING)
    np.testing.assert_allclose(total, found.scores[:, 0], rtol=1e-4)
    np.testing.assert_allclose(attention, found.attention[:, 0], rtol=1e-4, atol=1e-6)


def test_no_translation_is_longer_than_allowed(model, sources):
    found = search(model, padded(sources), DECODING)
    limits = [
        int(DECODING.target_ratio * len(source)) + DECODING.target_offset for source in sources
    ]
    assert np.all(found.lengths.numpy() <= np.array(limits)[:, None])
