import io
import os
import threading
from pathlib import Path

import pytest

from pipeline.corpora.formats.finding import is_zip
from pipeline.corpora.formats.text_file import Reading, TextFile, check_encoding, spelled_out
from pipeline.errors import UserError

TEXT = "größer\r\nkleiner\n\nÄpfel"
LINES = ["größer", "kleiner", "", "Äpfel"]


def file(content: bytes, name: str = "folder/a.txt") -> TextFile:
    return TextFile(name, lambda: io.BytesIO(content), len(content))


def lines(content: bytes, **reading: object) -> list[str]:
    return list(file(content).lines(Reading(**reading)))  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_recognised_by_its_mark(encoding: str) -> None:
    assert lines(TEXT.encode(encoding)) == LINES
    assert file(TEXT.encode(encoding)).is_utf16 == (encoding == "utf-16")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le", "utf-16-be"])
def test_text_in_the_given_encoding_is_read(encoding: str) -> None:
    assert lines(TEXT.encode(encoding), encoding=encoding) == LINES


@pytest.mark.parametrize("encoding", ["cp932", "gb18030", "iso-2022-jp", "utf-7"])
def test_text_of_many_bytes_a_character_is_read(encoding: str) -> None:
    assert lines("日本\n語\n".encode(encoding), encoding=encoding) == ["日本", "語"]


def test_a_line_in_utf8_is_read_as_utf8_whatever_the_given_encoding() -> None:
    content = "größer\n".encode() + "größer\n".encode("cp1252")
    assert lines(content, encoding="cp1252") == ["größer", "größer"]


def test_another_encoding_is_named_with_file_line_and_remedy() -> None:
    with pytest.raises(UserError, match=r"Line 2 of folder/a\.txt is not UTF-8, but probably "
                       r"CP1251: add --encoding CP1251"):  # fmt: skip
        lines("one\nпривет\nмир\n".encode("cp1251"), languages=("en", "ru"))
    with pytest.raises(UserError, match="Line 1 .* neither UTF-8 nor ascii, but probably CP1251"):
        lines("я\n".encode("cp1251") * 3, languages=("en", "ru"), encoding="ascii")
    with pytest.raises(UserError, match="is in UTF-16LE: add --encoding UTF-16LE"):
        lines(TEXT.encode("utf-16-le"))


def test_a_stray_line_in_another_encoding_keeps_its_bytes() -> None:
    assert lines("größer\n".encode() + b"gr\xf6\xdfer\n") == ["größer", "gr\udcf6\udcdfer"]
    assert lines(b"a\n" * 1000 + b"\xf6\n")[-1] == "\udcf6"
    assert spelled_out("gr\udcf6\udcdfer \\") == "gr\\xf6\\xdfer \\"


def test_a_damaged_line_of_utf16_is_named() -> None:
    with pytest.raises(UserError, match=r"Line 2 of .* is not UTF-16"):
        lines("one\ntwo".encode("utf-16") + b"\0")


@pytest.mark.parametrize("name", ["", "German", "base64", "a\0b"])
def test_a_name_of_no_encoding_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="is no encoding; give one such as WINDOWS-1252"):
        check_encoding(name)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Cannot read .*No such file"):
        TextFile.at(tmp_path / "nothing")
    with pytest.raises(UserError, match="Cannot read .*Is a directory"):
        TextFile.at(tmp_path)


def test_a_pipe_is_read_once_and_only_when_it_is_opened(tmp_path) -> None:
    pipe = tmp_path / "text.tsv"
    os.mkfifo(pipe)
    file = TextFile.at(pipe)  # nothing writes to it yet
    assert not is_zip(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[b"one\n"])
    writer.start()
    for _ in range(2):
        with file.unpacked() as stream:
            assert stream.read() == b"one\n"
    writer.join()
