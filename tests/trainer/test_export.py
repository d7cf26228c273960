import json

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, strategies
from tensorflow_serving.apis import prediction_log_pb2

from serving.contract.translation import as_bytes
from tests.any_text import strings
from tests.trainer.tiny import DECODING, MODEL, SUBWORDS, write_vocabulary
from tests.trainer.tiny_export import WARMUP_TEXT, export_tiny_model, serialised_example
from text.characters import MASKS
from trainer.export import EXAMPLES_AT_ONCE, ServingModel
from trainer.model import TranslationModel
from trainer.subwords import read_vocabulary

TEXTS = [
    "The cat sees the mat.",
    "Dog!",
    "",
    "The 日本 😀 of the house likes nothing at all.",
    " \t ",
]
MOST_RECORDS_OF_TENSORFLOW_SERVING = 1000
MATRIX_AND_LENGTHS = ("attention", "target_length", "source_length")


@pytest.fixture(scope="module", params=["float32", "bfloat16", "int8"])
def folder(request, tmp_path_factory):
    decoding = DECODING.model_copy(update={"precision": request.param})
    return export_tiny_model(tmp_path_factory.mktemp("export"), decoding=decoding)


@pytest.fixture(scope="module")
def signatures(folder):
    # The signatures hold only a weak reference to their model.
    test_export_model = tf.saved_model.load(str(folder))
    yield test_export_model.signatures
    del test_export_model


def call(signatures, name, **inputs):
    outputs = signatures[name](**{k: tf.constant(v, tf.string) for k, v in inputs.items()})
    return {k: v.numpy() for k, v in outputs.items()}


def examples_of(texts):
    return [serialised_example(text) for text in texts]


def assert_rows_sum_to_one(attention, target_lengths, source_lengths):
    """Checks rows of attention: sum 1 over the real tokens of each sentence, and 0 elsewhere."""
    for matrix, target, source in zip(attention, target_lengths, source_lengths, strict=True):
        np.testing.assert_allclose(matrix[:target, :source].sum(-1), np.ones(target), rtol=1e-5)
        assert not matrix[target:].any()
        assert not matrix[:, source:].any()


def test_serving_default_has_the_outputs_of_the_contract(signatures):
    outputs = call(signatures, "serving_default", text=TEXTS)
    batch, target, source = outputs["attention"].shape
    assert {name: (value.shape, value.dtype.kind) for name, value in outputs.items()} == {
        "translation": ((batch,), "O"),
        "score": ((batch,), "f"),
        "source_tokens": ((batch, source), "O"),
        "target_tokens": ((batch, target), "O"),
        "attention": ((batch, target, source), "f"),
        "source_length": ((batch,), "i"),
        "target_length": ((batch,), "i"),
        "truncated": ((batch,), "b"),
    }


def test_attention_rows_sum_to_one_over_the_real_tokens_and_padding_is_zero(signatures):
    outputs = call(signatures, "serving_default", text=TEXTS)
    assert_rows_sum_to_one(*(outputs[name] for name in MATRIX_AND_LENGTHS))


@pytest.mark.parametrize(
    "choice",
    [
        {"attention": "none"},
        {"cell": "lstm", "encoder_layers": 2, "decoder_layers": 2, "input_feeding": True},
        {"encoder": "self_attention", "decoder": "self_attention", "decoder_units": 8},
    ],
    ids=["no attention", "two layers of lstm with input feeding", "self-attention"],
)
def test_a_model_of_another_shape_serves_all_signatures(tmp_path, choice):
    loaded = tf.saved_model.load(str(export_tiny_model(tmp_path, MODEL.model_copy(update=choice))))
    signatures = loaded.signatures
    best = call(signatures, "serving_default", text=TEXTS)
    assert_rows_sum_to_one(*(best[name] for name in MATRIX_AND_LENGTHS))
    beams = call(signatures, "n_best", text=TEXTS)
    for attention, target_lengths, source_length in zip(
        *(beams[name] for name in MATRIX_AND_LENGTHS), strict=True
    ):
        assert_rows_sum_to_one(attention, target_lengths, [source_length] * DECODING.beam_size)
    scored = call(signatures, "score", text=TEXTS, target=best["translation"])
    assert_rows_sum_to_one(*(scored[name] for name in MATRIX_AND_LENGTHS))
    of_examples = call(signatures, "serve_examples", examples=examples_of(TEXTS))
    assert of_examples["translation"][:, 0].tolist() == best["translation"].tolist()
    assert ("source_attention" in signatures) == (choice.get("encoder") == "self_attention")


def test_an_encoder_of_self_attention_shows_where_it_looks(tmp_path):
    choice = {"encoder": "self_attention", "encoder_layers": 2, "attention_heads": 2}
    loaded = tf.saved_model.load(str(export_tiny_model(tmp_path, MODEL.model_copy(update=choice))))
    found = call(loaded.signatures, "source_attention", text=TEXTS)
    best = call(loaded.signatures, "serving_default", text=TEXTS)
    np.testing.assert_array_equal(found["source_tokens"], best["source_tokens"])
    lengths = found["source_length"]
    assert found["self_attention"].shape[1:3] == (2, 2)
    for layer in range(2):
        for head in range(2):
            assert_rows_sum_to_one(found["self_attention"][:, layer, head], lengths, lengths)


def test_a_text_gets_the_same_answer_alone_and_in_a_batch(signatures):
    together = call(signatures, "serving_default", text=TEXTS)
    for row, text in enumerate(TEXTS):
        alone = call(signatures, "serving_default", text=[text])
        assert alone["translation"][0] == together["translation"][row]
        np.testing.assert_allclose(alone["score"][0], together["score"][row], rtol=1e-4)
        target, source = alone["target_length"][0], alone["source_length"][0]
        np.testing.assert_allclose(
            alone["attention"][0, :target, :source],
            together["attention"][row, :target, :source],
            atol=1e-5,
        )


def test_n_best_begins_with_the_answer_of_serving_default(signatures):
    best = call(signatures, "serving_default", text=TEXTS)
    beams = call(signatures, "n_best", text=TEXTS)
    assert beams["translation"].shape == (len(TEXTS), DECODING.beam_size)
    assert beams["translation"][:, 0].tolist() == best["translation"].tolist()
    np.testing.assert_allclose(beams["score"][:, 0], best["score"], rtol=1e-5)
    np.testing.assert_allclose(beams["attention"][:, 0], best["attention"], atol=1e-6)


def test_tokens_end_with_the_end_symbol_and_padding_is_empty(signatures):
    outputs = call(signatures, "serving_default", text=TEXTS)
    for tokens, length in zip(outputs["source_tokens"], outputs["source_length"], strict=True):
        assert tokens[length - 1] == b"</s>"
        assert not any(tokens[length:])


def test_white_space_has_the_empty_translation_of_no_tokens(signatures):
    outputs = call(signatures, "serving_default", text=TEXTS)
    for row in (2, 4):
        assert outputs["translation"][row] == b""
        assert outputs["target_length"][row] == 0
        assert outputs["score"][row] == 0.0
        assert not outputs["truncated"][row]


@pytest.mark.parametrize(
    "text",
    [[], [""], [b"\xff\xfe\x00"], ["word " * 5000], ["x" * 20000], ["\u202e\u0000\u2028"]],
    ids=["no text", "empty", "not UTF-8", "many words", "one long word", "controls"],
)
@pytest.mark.parametrize("name", ["serving_default", "n_best"])
def test_odd_texts_get_an_answer(signatures, name, text):
    outputs = call(signatures, name, text=text)
    assert len(outputs["translation"]) == len(text)
    assert np.isfinite(outputs["score"]).all()


@pytest.mark.parametrize("text", ["cat " * 300_000, "x" * 1_000_000, "語" * 300_000])
def test_a_very_long_text_is_answered_like_its_beginning(signatures, text):
    beginning = text[: 2 * DECODING.max_source_tokens * SUBWORDS.max_piece_characters]
    whole, cut = (call(signatures, "serving_default", text=[given]) for given in (text, beginning))
    assert whole["truncated"][0]
    for name, value in whole.items():
        assert np.array_equal(value, cut[name]), name


def test_a_cut_source_is_reported(signatures):
    outputs = call(signatures, "serving_default", text=["cat " * 50])
    assert outputs["truncated"][0]
    assert outputs["source_length"][0] == DECODING.max_source_tokens


def test_scoring_gives_log_probabilities_and_attention_of_the_given_target(signatures):
    target = ["Die Katze", "Hund", "", "Matte", ""]
    outputs = call(signatures, "score", text=TEXTS, target=target)
    assert (outputs["token_log_probability"] <= 0).all()
    total = outputs["token_log_probability"].sum(axis=1)
    penalty = ((5 + outputs["target_length"]) / 6) ** DECODING.length_penalty
    np.testing.assert_allclose(outputs["score"], total / penalty, rtol=1e-5)
    for row, length in enumerate(outputs["target_length"]):
        np.testing.assert_allclose(
            outputs["attention"][row, :length].sum(-1), np.ones(length), rtol=1e-5
        )
        text = b"".join(outputs["target_tokens"][row, : length - 1]).decode()
        assert text.replace("▁", " ").strip() == target[row]


def test_examples_are_translated_like_texts(signatures):
    outputs = call(signatures, "serve_examples", examples=examples_of(TEXTS))
    expected = call(signatures, "serving_default", text=TEXTS)["translation"]
    assert outputs["translation"].tolist() == [[text] for text in expected]


def test_examples_come_with_the_tokens_and_attention_that_texts_have(signatures):
    of_examples = call(signatures, "serve_examples", examples=examples_of(TEXTS))
    of_texts = call(signatures, "serving_default", text=TEXTS)
    for row in range(len(TEXTS)):
        targets, sources = of_texts["target_length"][row], of_texts["source_length"][row]
        for name, length in (("source_tokens", sources), ("target_tokens", targets)):
            assert of_examples[name][row, 0].split() == of_texts[name][row, :length].tolist()
        attention = tf.io.parse_tensor(of_examples["attention"][row, 0], tf.float32)
        expected = of_texts["attention"][row, :targets, :sources]
        np.testing.assert_allclose(attention, expected, atol=1e-5)


@pytest.mark.parametrize("count", [0, 1, EXAMPLES_AT_ONCE, 2 * EXAMPLES_AT_ONCE + 1])
def test_any_number_of_examples_is_translated_in_their_order(signatures, count):
    some = (["The cat sees the mat. " * 9, *TEXTS] * count)[:count]
    found = call(signatures, "serve_examples", examples=examples_of(some))["translation"]
    expected = {
        text: call(signatures, "serving_default", text=[text])["translation"].tolist()
        for text in set(some)
    }
    assert found.shape == (count, 1)
    assert found.tolist() == [expected[text] for text in some]


def test_the_export_has_no_gradients(folder):
    assert b"BroadcastGradientArgs" not in (folder / "saved_model.pb").read_bytes()


def test_the_export_carries_its_model_card(folder):
    card = json.loads((folder / "assets.extra" / "model_card.json").read_text(encoding="utf-8"))
    assert card == {"name": "tiny"}
    readable = folder / "assets.extra" / "MODEL_CARD.md"
    assert readable.read_text(encoding="utf-8") == "# tiny\n"


@pytest.fixture(scope="module")
def warmup_requests(folder):
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    assert len(records) <= MOST_RECORDS_OF_TENSORFLOW_SERVING
    return [
        prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        for record in records
    ]


def test_every_signature_of_texts_is_warmed_up_once(warmup_requests):
    names = [request.model_spec.signature_name for request in warmup_requests]
    assert names == ["serving_default", "n_best", "score"]
    for request in warmup_requests:
        for tensor in request.inputs.values():
            assert tf.make_ndarray(tensor).tolist() == [WARMUP_TEXT.encode()]


def test_the_warm_up_requests_can_be_replayed(warmup_requests, signatures):
    for request in warmup_requests:
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        call(signatures, request.model_spec.signature_name, **inputs)


@given(strategies.lists(strings.map(as_bytes), min_size=1, max_size=2))
def test_any_text_gets_whole_characters_and_attention(signatures, texts):
    outputs = call(signatures, "n_best", text=texts)
    for source, hypotheses in zip(texts, outputs["translation"].tolist(), strict=True):
        for translation in hypotheses:
            assert "\ufffd" not in translation.decode() or "\ufffd" in source.decode()
    best = (outputs["attention"][:, 0], outputs["target_length"][:, 0], outputs["source_length"])
    assert_rows_sum_to_one(*best)
    forced = call(signatures, "score", text=texts, target=texts[::-1])
    assert_rows_sum_to_one(*(forced[name] for name in MATRIX_AND_LENGTHS))
    assert not np.isnan(forced["score"]).any()


def test_protected_parts_are_single_symbols_and_are_never_invented(signatures):
    texts = ["The %s sees <a b> mats.", "The cat sees %(the_mat)s!", "The cat \ufdd0 sees."]
    outputs = call(signatures, "serving_default", text=texts)
    shown = [
        [token.decode() for token in tokens if token]
        for tokens in outputs["source_tokens"].tolist()
    ]
    assert shown[0][:4] == ["▁The", "▁", "%s", "▁"]
    assert "<a▁b>" in shown[0]
    assert "%(the_mat)s" in shown[1]
    assert not any("\ufdd0" in token for tokens in shown for token in tokens)
    assert_rows_sum_to_one(*(outputs[name] for name in MATRIX_AND_LENGTHS))
    found = call(signatures, "n_best", text=texts)["translation"]
    assert "\ufdd0" not in b"".join(found.ravel()).decode()
    for row, foreign in enumerate((["%(the_mat)s"], ["%s", "<a b>"], ["%s"])):
        assert not any(part.encode() in text for text in found[row] for part in foreign)


def test_a_given_translation_has_the_masks_of_its_source(signatures):
    outputs = call(signatures, "score", text=["The %s cat"], target=["Die %s Katze %d"])
    tokens = [token.decode() for token in outputs["target_tokens"][0]]
    assert tokens[:3] == ["▁Die", "▁", "%s"]
    assert "%d" not in tokens  # not in the source, so it is spelled


def test_a_vocabulary_without_masks_serves_texts_with_placeholders(tmp_path):
    path = write_vocabulary(tmp_path)
    older = [line for line in read_vocabulary(path) if line not in MASKS]
    tmp_path.joinpath("subwords.txt").write_text("\n".join(older) + "\n", encoding="utf-8")
    model = TranslationModel(MODEL, len(older), seed=8)
    serving = ServingModel(model, path, SUBWORDS, DECODING)
    found = serving.serving_default(tf.constant(["The %s sees _File."]))
    outputs = {name: value.numpy() for name, value in found.items()}
    spelled = b"".join(outputs["source_tokens"][0])
    assert b"%s" not in outputs["source_tokens"][0].tolist()
    assert spelled.startswith("▁The▁<0x25>s▁sees▁<0x5F><0x46>".encode())
    assert_rows_sum_to_one(*(outputs[name] for name in MATRIX_AND_LENGTHS))
