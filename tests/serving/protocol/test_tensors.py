import numpy as np
import pytest

from serving.protocol.messages import TensorProto
from serving.protocol.tensors import TensorError, dtype_name, from_tensor, to_tensor

FLOAT, DOUBLE, STRING, HALF = 1, 2, 7, 19  # tensorflow/core/framework/types.proto

ARRAYS = {
    "float32": np.array([[0.5, -1.5], [np.inf, 3e-38]], np.float32),
    "int32": np.array([-(1 << 31), 0, (1 << 31) - 1], np.int32),
    "int64": np.array([[[-(1 << 63)], [(1 << 63) - 1]]], np.int64),
    "bool": np.array([True, False, True]),
    "string": np.array([[b"a", b"\xff\x00"], [b"", b"long" * 100]], object),
    "scalar": np.array(7, np.int64),
    "scalar string": np.array(b"text", object),
    "no rows": np.zeros((0, 4), np.float32),
    "no strings": np.zeros((3, 0), object),
}


def make_tensor(dtype: int, shape: list[int], **values):
    tensor = TensorProto(dtype=dtype, **values)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


@pytest.mark.parametrize("as_content", [False, True])
@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_as_it_was(name, as_content):
    array = ARRAYS[name]
    tensor = TensorProto.FromString(to_tensor(array, as_content=as_content).SerializeToString())
    read = from_tensor(tensor)
    assert (read.dtype, read.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(read, array)


# The first three equal the results of TensorFlow 2.21 (tf.make_ndarray) for the same messages.
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"float_val": [1, 2]}, [1, 2, 2, 2]),
        ({"float_val": [3]}, [3, 3, 3, 3]),
        ({}, [0, 0, 0, 0]),
    ],
)
def test_the_last_value_stands_for_all_that_are_missing(values, expected):
    np.testing.assert_array_equal(from_tensor(make_tensor(FLOAT, [4], **values)), expected)


def test_missing_strings_repeat_the_last_one_too():
    read = from_tensor(make_tensor(STRING, [2, 2], string_val=[b"a", b"b"]))
    assert read.tolist() == [[b"a", b"b"], [b"b", b"b"]]


def test_strings_that_are_all_missing_are_empty():
    assert from_tensor(make_tensor(STRING, [2])).tolist() == [b"", b""]


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        (make_tensor(HALF, [1], half_val=[1]), "DT_HALF, not one of string, float32"),
        (make_tensor(DOUBLE, [1], double_val=[1]), "DT_DOUBLE"),
        (make_tensor(0, []), "DT_INVALID"),
        (make_tensor(FLOAT, [2], float_val=[1, 2, 3]), "3 values for the shape [2]"),
        (make_tensor(FLOAT, [2], tensor_content=b"\0" * 7), "7 bytes for 2 values of float32"),
        (make_tensor(STRING, [2], tensor_content=b"\1\1a"), "not those of 2 strings"),
        (make_tensor(STRING, [1], tensor_content=b"\xff"), "within a length"),
        (make_tensor(FLOAT, [-1]), "shape is not known"),
        (make_tensor(FLOAT, [1 << 40]), "is too large"),
    ],
)
def test_a_message_that_contradicts_itself_is_refused_with_the_reason(tensor, reason):
    with pytest.raises(TensorError) as refusal:
        from_tensor(tensor)
    assert reason in str(refusal.value)


def test_a_tensor_of_unknown_rank_is_refused():
    tensor = make_tensor(FLOAT, [])
    tensor.tensor_shape.unknown_rank = True
    with pytest.raises(TensorError, match="shape is not known"):
        from_tensor(tensor)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros(1), "float64, not one of string, float32, int32, int64, bool"),
        (np.zeros(1, np.float16), "float16"),
        (np.zeros(1, ">f4"), ">f4"),
        (np.array(["text"], object), "not bytes"),
    ],
)
def test_an_array_of_another_kind_is_refused_with_the_reason(array, reason):
    with pytest.raises(TensorError, match=reason):
        to_tensor(array)


def test_a_dtype_without_a_name_here_keeps_tensorflows():
    assert [dtype_name(number) for number in (FLOAT, HALF, 12345)] == [
        "float32",
        "DT_HALF",
        "number 12345",
    ]
