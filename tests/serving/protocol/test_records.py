import pytest
import tensorflow as tf

from serving.protocol.records import RecordError, read_records

RECORDS = [b"first", b"", bytes(range(256)) * 5]


@pytest.fixture
def content(tmp_path) -> bytes:
    """Returns a file of TensorFlow's."""
    with tf.io.TFRecordWriter(str(tmp_path / "records")) as writer:
        for record in RECORDS:
            writer.write(record)
    return (tmp_path / "records").read_bytes()


def test_records_of_tensorflow_are_read(content):
    assert list(read_records(content)) == RECORDS
    assert list(read_records(b"")) == []


@pytest.mark.parametrize("size", [1, 11, 14, 18, -1])
def test_a_truncated_file_is_refused(content, size):
    with pytest.raises(RecordError):
        list(read_records(content[:size]))


@pytest.mark.parametrize("position", [0, 9, 13, 18, -1])
def test_a_changed_byte_is_found(content, position):
    damaged = bytearray(content)
    damaged[position] ^= 1
    with pytest.raises(RecordError):
        list(read_records(bytes(damaged)))
