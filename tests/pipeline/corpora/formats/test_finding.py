import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from pipeline.corpora.formats.finding import aligned_files, find_text
from pipeline.corpora.formats.text_file import Reading
from pipeline.errors import UserError

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "zst": zstandard.ZstdCompressor().compress,
}
READING = Reading()


def found(path: Path, reading: Reading = READING) -> dict[str, list[list[str]]]:
    return {
        text.name: [list(cells) for _, cells in text.read(reading)]
        for text in find_text(path, reading)[0]
    }


def put(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("kind", COMPRESS)
def test_compressed_text_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.tsv.{kind}"
    path.write_bytes(COMPRESS[kind](b"one\teins\n") + COMPRESS[kind](b"two\tzwei\n"))
    assert found(path) == {path.name: [["one", "eins"], ["two", "zwei"]]}
    path.rename(tmp_path / "anything")
    assert found(tmp_path / "anything") == {"anything": [["one", "eins"], ["two", "zwei"]]}


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_truncated_file_is_a_sentence(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(COMPRESS[kind](b"one\teins\n" * 100)[:-2])
    with pytest.raises(UserError, match=r"a\.tsv is a damaged .* file; fetch or compress it"):
        found(path)


def test_a_folder_holds_tables_and_aligned_files(tmp_path: Path) -> None:
    folder = put(tmp_path / "in", b_en="one\n", b_de="eins\n", a_tsv="x\ty\n", README="Hello\n")
    put(folder / "deep", c_csv="x,y\n", d_txt="p\tq\n", e_txt="no tabs\n", _hidden="z\n")
    (folder / "deep/f.en.gz").write_bytes(gzip.compress(b"two\n"))
    (folder / "deep/f.de").write_bytes(b"zwei\n")
    assert found(folder) == {
        "a.tsv": [["x", "y"]],
        "b.en + b.de": [["one", "eins"]],
        "c.csv": [["x", "y"]],
        "d.txt": [["p", "q"]],
        "f.en.gz + f.de": [["two", "zwei"]],
    }
    assert find_text(folder, READING)[1] == ["README", "e.txt"]


@pytest.mark.parametrize("nested", [False, True])
def test_an_archive_of_opus_is_read_by_its_languages(tmp_path: Path, nested: bool) -> None:
    path = tmp_path / "in/en-pt_br.txt.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README", "about")
        archive.writestr("Books.en-pt_br.en", "one\ntwo\n")
        archive.writestr("Books.en-pt_br.pt_br", "um\ndois\n")
        archive.writestr("Books.en-pt_br.ids", "1\t2\n3\t4\n")
    pairs = {"Books.en-pt_br.en + Books.en-pt_br.pt_br": [["one", "um"], ["two", "dois"]]}
    for target in ("pt-BR", "pt"):
        reading = Reading(languages=("en", target))
        assert found(path.parent if nested else path, reading) == pairs
    with pytest.raises(UserError, match=r"no text that nmt reads .*\.en and \.fr.*but README"):
        found(path, Reading(languages=("en", "fr")))


def test_a_file_of_another_format_is_told_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("one: eins\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"a\.yaml holds no text that nmt reads \(TSV, CSV"):
        found(tmp_path / "a.yaml")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="but nothing"):
        found(tmp_path / "empty")


def test_a_damaged_archive_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.tsv", "one\teins\n" * 100)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UserError, match="is a damaged ZIP archive"):
        found(path)
    content = bytearray(path.read_bytes())
    content[20:30] = bytes(10)
    path.write_bytes(content)
    with pytest.raises(UserError, match="is a damaged ZIP archive"):
        found(path)


def test_aligned_files_of_different_length_are_refused(tmp_path: Path) -> None:
    put(tmp_path, a_en="one\ntwo\n", a_de="eins\n")
    text = aligned_files(tmp_path / "a.en", tmp_path / "a.de")
    with pytest.raises(UserError, match=r"a\.en has 2 lines and .*a\.de has 1"):
        list(text.read(READING))
