import pytest

from pipeline.corpora.rows import PackedRows

ROWS = [("one cat", "eine Käthe"), ("two", "zwei", "news", ""), ("", "")]


def test_packed_rows_are_the_rows() -> None:
    packed = PackedRows()
    for row in ROWS:
        packed.append(row)
    assert packed == ROWS
    assert (len(packed), packed[1], packed[-1]) == (3, ROWS[1], ROWS[2])
    assert packed[1:] == ROWS[1:]
    assert packed.take([2, 0]) == [ROWS[2], ROWS[0]]
    with pytest.raises(IndexError):
        packed[3]


def test_parts_share_the_memory_of_their_lines() -> None:
    packed = PackedRows([b"a\tb", b"c\td"])
    assert packed.take([1]).lines[0] is packed.lines[1]
