import numpy as np
import pytest

from serving.server.slicing import Inputs, concatenate, join, slice_rows, split
from tests.serving.server.fake_model import BEAM, fake_answers

SIGNATURES = ("serving_default", "n_best", "score")
REQUESTS = ([b"one two three"], [b"a", b"b c"], [b""], [b"x y z", b"", b"w w w w w"])


def _inputs(signature: str, texts: list[bytes]) -> Inputs:
    return {"text": texts, "target": texts} if signature == "score" else {"text": texts}


@pytest.mark.parametrize("signature", SIGNATURES)
def test_what_is_cut_from_a_batch_is_what_each_request_gets_alone(signature):
    inputs = [_inputs(signature, texts) for texts in REQUESTS]
    together = fake_answers(signature, concatenate(inputs))
    start = 0
    for own in inputs:
        stop = start + len(own["text"])
        found, expected = slice_rows(together, start, stop), fake_answers(signature, own)
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, err_msg=name)
        start = stop


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pieces_joined_are_what_the_whole_would_have_been(signature, size):
    inputs = concatenate([_inputs(signature, texts) for texts in REQUESTS])
    joined = join([fake_answers(signature, piece) for piece in split(inputs, size)])
    for name, values in fake_answers(signature, inputs).items():
        np.testing.assert_array_equal(joined[name], values, err_msg=name)
        assert joined[name].dtype == values.dtype


def test_pieces_are_consecutive_and_no_larger_than_the_size():
    inputs = {"text": [b"a", b"b", b"c"], "target": [b"A", b"B", b"C"]}
    assert split(inputs, 2) == [
        {"text": [b"a", b"b"], "target": [b"A", b"B"]},
        {"text": [b"c"], "target": [b"C"]},
    ]


def test_the_beam_axis_is_left_alone():
    together = fake_answers("n_best", {"text": [b"a", b"one two three"]})
    assert slice_rows(together, 0, 1)["attention"].shape == (1, BEAM, 2, 1)


def test_self_attention_is_cut_on_both_of_its_axes():
    outputs = {
        "source_length": np.array([2, 3], np.int32),
        "self_attention": np.arange(2 * 4 * 9).reshape(2, 2, 2, 3, 3),
    }
    found = slice_rows(outputs, 0, 1)["self_attention"]
    np.testing.assert_array_equal(found, outputs["self_attention"][:1, :, :, :2, :2])


def test_padding_that_the_model_added_to_a_text_alone_is_cut_too():
    outputs = fake_answers("serving_default", {"text": [b"a b", b"one two three four"]})
    alone = {name: values[:1] for name, values in outputs.items()}
    assert slice_rows(alone, 0, 1)["target_tokens"].tolist() == [[b"a", b"b", b"</s>"]]


def test_outputs_without_lengths_keep_their_axes():
    translation = np.array([[b"a"], [b"b"]], object)
    assert slice_rows({"translation": translation}, 1, 2)["translation"].tolist() == [[b"b"]]
