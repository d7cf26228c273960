import io
import os
import stat

import pytest

from pipeline.commands.line_files import in_chunks, read_lines, write_whole, written_whole


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"a\nb\n", ["a", "b"]),
        (b"a\n\nb", ["a", "", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"\xef\xbb\xbfa\nb", ["a", "b"]),
        ("a\u2028b\x0bc\x85\n".encode(), ["a\u2028b\x0bc\x85"]),
        (b"a\x00b\n", ["a\x00b"]),
    ],
)
def test_lines_are_what_newlines_separate(content, lines):
    assert list(read_lines(io.BytesIO(content))) == lines


def test_chunks_hold_all_lines_in_order():
    lines = [str(number) for number in range(10)]
    assert [line for chunk in in_chunks(lines, 3) for line in chunk] == lines


def test_chunks_hold_no_more_lines_than_allowed():
    assert [len(chunk) for chunk in in_chunks(["x"] * 10, 4)] == [4, 4, 2]


def test_a_chunk_of_long_lines_ends_early():
    assert [len(chunk) for chunk in in_chunks(["x" * 6] * 4, 100, max_characters=10)] == [2, 2]


def test_the_length_of_a_line_may_be_told_where_it_is_more_than_text():
    pairs = [("a" * 6, "b" * 5)] * 3
    chunks = in_chunks(pairs, 100, max_characters=20, length=lambda pair: len("".join(pair)))
    assert [len(chunk) for chunk in chunks] == [2, 1]


def test_bytes_are_written_whole_and_replace_what_was_there(tmp_path):
    path = tmp_path / "picture"
    path.write_bytes(b"old")
    write_whole(str(path), b"\x89\r\n")
    assert path.read_bytes() == b"\x89\r\n"
    assert [each.name for each in tmp_path.iterdir()] == ["picture"]


def test_chunks_are_read_only_when_they_are_asked_for():
    def endless():
        while True:
            yield "line"

    assert next(in_chunks(endless(), 2)) == ["line", "line"]


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "out.txt"
    with written_whole(str(path)) as file:
        file.write("ä\n")
        assert not path.exists()
    assert path.read_bytes() == "ä\n".encode()


def _write_and_fail(path: str) -> None:
    with written_whole(path) as file:
        file.write("new")
        raise ZeroDivisionError


def test_a_failure_keeps_what_was_there_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        _write_and_fail(str(path))
    assert [(file.name, file.read_text(encoding="utf-8")) for file in tmp_path.iterdir()] == [
        ("out.txt", "old")
    ]


def test_a_link_still_points_to_the_file_that_was_written(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real.txt")
    with written_whole(str(tmp_path / "link")) as file:
        file.write("x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real.txt").read_text(encoding="utf-8") == "x"


def test_a_device_is_written_to_and_not_replaced():
    with written_whole(os.devnull) as file:
        file.write("x")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
