import warnings

from google.protobuf import descriptor_pool

from serving.protocol import messages
from serving.protocol.messages import GET_MODEL_METADATA, GET_MODEL_STATUS, PREDICT


def test_methods_have_the_names_of_tensorflow_servings():
    assert [method.path for method in (PREDICT, GET_MODEL_METADATA, GET_MODEL_STATUS)] == [
        "/tensorflow.serving.PredictionService/Predict",
        "/tensorflow.serving.PredictionService/GetModelMetadata",
        "/tensorflow.serving.ModelService/GetModelStatus",
    ]


def test_methods_have_the_messages_of_tensorflow_servings():
    assert PREDICT.request.DESCRIPTOR.full_name == "tensorflow.serving.PredictRequest"
    assert PREDICT.reply.DESCRIPTOR.full_name == "tensorflow.serving.PredictResponse"


def test_the_declarations_are_not_in_the_pool_that_tensorflow_uses():
    assert PREDICT.request.DESCRIPTOR.file.pool is messages.POOL
    assert messages.POOL is not descriptor_pool.Default()


def test_the_declarations_load_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        messages._load()


def test_dtypes_have_tensorflows_numbers():
    # tensorflow/core/framework/types.proto
    numbers = {1: "DT_FLOAT", 3: "DT_INT32", 7: "DT_STRING", 9: "DT_INT64", 10: "DT_BOOL"}
    assert numbers.items() <= messages.DATA_TYPES.items()
