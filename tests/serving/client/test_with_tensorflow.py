"""The client's own protocol beside TensorFlow's, in one process."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import descriptor_pb2
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from scripts import make_protocol
from serving.client import TranslationClient
from serving.client.model_info import read_metadata
from serving.contract.source_attention import read_source_attention
from serving.local.model import LocalModel
from serving.local.saved_model import SavedModel
from serving.protocol import messages
from serving.protocol.messages import GET_MODEL_METADATA, GET_MODEL_STATUS, PREDICT, TensorProto
from serving.protocol.tensors import from_tensor, to_tensor
from tests.serving.client.scripted_server import Script, serving
from tests.serving.standin_model import export_standin

TEXTS = ["The cat is on the mat", "", "mat", "the cat", "  ", "is it on the cat , or on the mat ?"]

ARRAYS = [
    np.array([[0.5, -1.5], [np.inf, 3e-38]], np.float32),
    np.array([-1, 0, 1], np.int32),
    np.array(7, np.int64),
    np.array([True, False]),
    np.array([[b"a", b"\xff\x00"], [b"", b"long" * 100]], object),
    np.zeros((0, 4), np.float32),
]


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> str:
    return export_standin(tmp_path_factory.mktemp("standin") / "model")


@pytest.fixture(scope="module")
def served_model(directory):
    """Yields the address of a server with the stand-in's answers."""
    model = SavedModel(directory)
    with serving(Script(answer=model.call)) as (address, _):
        yield address


def test_the_shipped_protocol_is_that_of_the_installed_tensorflow_serving_api():
    shipped = Path(messages.__file__).with_name("protocol.binpb").read_bytes()
    declared = make_protocol.declared_protocol()
    names = [
        [file.name for file in descriptor_pb2.FileDescriptorSet.FromString(each).file]
        for each in (shipped, declared)
    ]
    assert names[0] == names[1]
    assert shipped == declared, "run scripts/make_protocol.py"


@pytest.mark.parametrize(
    ("ours", "official"),
    [
        (PREDICT.request, predict_pb2.PredictRequest),
        (PREDICT.reply, predict_pb2.PredictResponse),
        (GET_MODEL_METADATA.request, get_model_metadata_pb2.GetModelMetadataRequest),
        (GET_MODEL_METADATA.reply, get_model_metadata_pb2.GetModelMetadataResponse),
        (GET_MODEL_STATUS.request, get_model_status_pb2.GetModelStatusRequest),
        (GET_MODEL_STATUS.reply, get_model_status_pb2.GetModelStatusResponse),
    ],
)
def test_messages_are_declared_alike_and_are_classes_of_their_own(ours, official):
    assert ours is not official
    declarations = [descriptor_pb2.DescriptorProto() for _ in range(2)]
    ours.DESCRIPTOR.CopyToProto(declarations[0])
    official.DESCRIPTOR.CopyToProto(declarations[1])
    assert declarations[0] == declarations[1]


def test_a_request_of_ours_is_read_by_tensorflow_serving_and_comes_back():
    request = PREDICT.request()
    request.model_spec.name = "m"
    request.model_spec.version.value = 3
    request.model_spec.signature_name = "score"
    request.inputs["text"].CopyFrom(to_tensor(np.array([b"caf\xc3\xa9"], object)))
    official = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    assert (official.model_spec.name, official.model_spec.version.value) == ("m", 3)
    assert tf.make_ndarray(official.inputs["text"]).tolist() == [b"caf\xc3\xa9"]
    assert PREDICT.request.FromString(official.SerializeToString()) == request


@pytest.mark.parametrize("as_content", [False, True])
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype} {array.shape}")
def test_tensorflow_reads_what_we_write(array, as_content):
    tensor = to_tensor(array, as_content=as_content)
    read = tf.io.parse_tensor(tensor.SerializeToString(), tf.as_dtype(tensor.dtype)).numpy()
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype} {array.shape}")
def test_we_read_what_tensorflow_writes(array):
    dtype = tf.string if array.dtype == object else array.dtype
    made = tf.make_tensor_proto(array, dtype, array.shape).SerializeToString()
    serialized = tf.io.serialize_tensor(tf.constant(array.tolist(), dtype, array.shape)).numpy()
    for content in (made, serialized):
        np.testing.assert_array_equal(from_tensor(TensorProto.FromString(content)), array)


@pytest.mark.parametrize("values", [[1, 2], [3], []])
def test_missing_values_are_filled_up_as_tensorflow_does(values):
    tensor = tensor_pb2.TensorProto(dtype=tf.float32.as_datatype_enum, float_val=values)
    tensor.tensor_shape.dim.add(size=4)
    content = tensor.SerializeToString()
    np.testing.assert_array_equal(
        from_tensor(TensorProto.FromString(content)), tf.io.parse_tensor(content, tf.float32)
    )


def test_the_methods_are_those_that_tensorflow_servings_own_stub_calls():
    class Channel:
        """Records the paths used by a stub."""

        def __init__(self) -> None:
            self.paths: list[str] = []

        def unary_unary(self, path: str, **_: object) -> None:
            self.paths.append(path)

    channel = Channel()
    prediction_service_pb2_grpc.PredictionServiceStub(channel)
    assert {PREDICT.path, GET_MODEL_METADATA.path} <= set(channel.paths)


def test_the_signatures_of_a_real_export_keep_the_contract(directory):
    saved = saved_model_pb2.SavedModel.FromString(Path(directory, "saved_model.pb").read_bytes())
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in saved.meta_graphs[0].signature_def.items():
        signatures.signature_def[name].CopyFrom(signature)
    reply = get_model_metadata_pb2.GetModelMetadataResponse()
    reply.metadata["signature_def"].Pack(signatures)
    metadata = read_metadata(GET_MODEL_METADATA.reply.FromString(reply.SerializeToString()))
    assert metadata.problems() == []


@pytest.mark.parametrize("n_best", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_served_model_answers_as_it_does_in_this_process(
    directory, served_model, batch_size, n_best
):
    expected = LocalModel(directory).translate(TEXTS, n_best=n_best)
    with TranslationClient(served_model, "standin", batch_size=batch_size) as client:
        answers = client.translate(TEXTS, n_best=n_best)
    for answer, local in zip(answers, expected, strict=True):
        assert answer.text == local.text
        assert answer.target_tokens == local.target_tokens
        assert [each.text for each in answer.n_best] == [each.text for each in local.n_best]
        np.testing.assert_allclose(answer.attention, local.attention, rtol=1e-6)


def test_a_served_model_shows_where_its_encoder_looks(directory, served_model):
    with TranslationClient(served_model, "standin") as client:
        answers = client.source_attention(TEXTS)
    response = SavedModel(directory).call("source_attention", text=[t.encode() for t in TEXTS])
    for row, (text, answer) in enumerate(zip(TEXTS, answers, strict=True)):
        local = read_source_attention(response, row, text)
        assert (answer.text, answer.tokens, answer.truncated) == (text, local.tokens, False)
        np.testing.assert_array_equal(answer.weights, local.weights)


def test_a_served_model_scores_as_it_does_in_this_process(directory, served_model):
    pairs = ["the cat sleeps", "mat"], ["die Katze schläft", "Matte"]
    with TranslationClient(served_model, "standin") as client:
        answers = client.score(*pairs)
    for answer, local in zip(answers, LocalModel(directory).score(*pairs), strict=True):
        assert (answer.text, answer.score) == (local.text, local.score)
        np.testing.assert_array_equal(answer.token_log_probability, local.token_log_probability)
