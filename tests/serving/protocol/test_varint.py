import pytest

from serving.protocol.varint import encode_varint, read_varint


# The first and the last are examples from protobuf.dev/programming-guides/encoding.
@pytest.mark.parametrize(
    ("number", "encoded"),
    [(1, b"\x01"), (0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (150, b"\x96\x01")],
)
def test_a_number_is_encoded_as_protobuf_does(number, encoded):
    assert encode_varint(number) == encoded


@pytest.mark.parametrize("number", [0, 1, 127, 128, 16383, 16384, (1 << 63) - 1])
def test_a_number_comes_back_with_the_position_behind_it(number):
    content = b"before" + encode_varint(number) + b"\xffbehind"
    read, position = read_varint(content, len(b"before"))
    assert (read, content[position:]) == (number, b"\xffbehind")


def test_a_number_that_is_cut_off_is_an_error():
    with pytest.raises(IndexError):
        read_varint(b"\x96", 0)
