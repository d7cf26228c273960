import numpy as np
import pytest

from serving.client.errors import InvalidReply
from serving.client.model_info import ModelChoice
from serving.client.requests import scoring_job, translation_job
from serving.protocol.messages import PREDICT
from serving.protocol.tensors import from_tensor, to_tensor
from tests.serving.client.scripted_server import shout

TEXTS = ["one two", "three"]


def make_reply(signature: str, **changed: np.ndarray | None):
    """Returns a reply to `TEXTS` with some outputs changed or, if None, missing."""
    reply = PREDICT.reply()
    inputs = {"text": [text.encode() for text in TEXTS]}
    for name, array in {**shout(signature, **inputs), **changed}.items():
        if array is not None:
            reply.outputs[name].CopyFrom(to_tensor(array))
    return reply


def test_a_request_holds_the_texts_of_its_batch_and_no_others():
    request = translation_job(["a", "b", "c"], n_best=False).request(ModelChoice("m"), [2, 0])
    assert from_tensor(request.inputs["text"]).tolist() == [b"c", b"a"]


def test_hypotheses_are_asked_of_their_own_signature():
    request = translation_job(["a"], n_best=True).request(ModelChoice("m"), [0])
    assert request.model_spec.signature_name == "n_best"


def test_a_pair_is_batched_by_its_longer_side():
    job = scoring_job(["a" * 9, "bb", "c"], ["d", "e", "fff"])
    assert job.batches(2) == [[1, 2], [0]]


@pytest.mark.parametrize("text", [b"caf\xe9", "lone \ud800 surrogate"])
def test_text_that_is_not_clean_is_sent_as_utf8(text):
    request = translation_job([text], n_best=False).request(ModelChoice("m"), [0])
    assert "\ufffd" in from_tensor(request.inputs["text"])[0].decode("utf-8")


def test_one_text_instead_of_a_list_is_refused():
    with pytest.raises(TypeError, match="list of texts"):
        translation_job("one text", n_best=False)


def test_outputs_that_nobody_asked_for_are_not_even_read():
    reply = make_reply("serving_default")
    reply.outputs["new"].dtype = 19  # DT_HALF, not supported by the client
    assert len(translation_job(TEXTS, n_best=False).results(reply, [0, 1])) == 2


@pytest.mark.parametrize("name", list(shout("serving_default", [b""])))
def test_a_reply_without_an_output_says_which(name):
    with pytest.raises(InvalidReply, match=f"'serving_default' .*output '{name}' is missing"):
        translation_job(TEXTS, n_best=False).results(
            make_reply("serving_default", **{name: None}), [0, 1]
        )


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"score": np.zeros((2, 1), np.float32)}, "'score' has rank 2, not 1"),
        ({"score": np.zeros(2, np.int32)}, "'score' has dtype int32, not float32"),
        ({"score": np.zeros(3, np.float32)}, "'score' holds 3 answers to 2 texts"),
        ({"target_tokens": np.full((2, 9), b"", object)}, "'target_tokens' has shape [2, 9]"),
        (
            {"source_length": np.array([9, 2], np.int32)},
            "source_length is 9, but there are 3 tokens",
        ),
        ({"target_length": np.array([-1, 2], np.int32)}, "target_length is -1"),
    ],
)
def test_a_reply_of_another_form_says_how_it_differs(changed, problem):
    with pytest.raises(InvalidReply) as error:
        translation_job(TEXTS, n_best=False).results(
            make_reply("serving_default", **changed), [0, 1]
        )
    assert problem in str(error.value)


def test_a_beam_whose_lengths_lie_beyond_its_tokens_is_refused():
    lengths = np.array([[1, 1], [1, 99]], np.int32)
    with pytest.raises(InvalidReply, match="target_length is 99"):
        translation_job(TEXTS, n_best=True).results(
            make_reply("n_best", target_length=lengths), [0, 1]
        )


def test_an_output_that_cannot_be_read_says_why():
    reply = make_reply("serving_default")
    reply.outputs["score"].dtype = 19
    with pytest.raises(InvalidReply, match="output 'score' cannot be read: its dtype is DT_HALF"):
        translation_job(TEXTS, n_best=False).results(reply, [0, 1])


def test_an_answer_to_fewer_texts_is_refused():
    with pytest.raises(InvalidReply, match="holds 2 answers to 1 texts"):
        translation_job(TEXTS, n_best=False).results(make_reply("serving_default"), [0])
