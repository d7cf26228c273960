import gzip
import hashlib
import zipfile
from pathlib import Path

import pytest

from pipeline.corpora.tatoeba import make_tatoeba
from pipeline.errors import UserError
from text.comparison import comparison_key

ANIMALS = ("cat", "dog", "cow", "owl", "bee", "ant", "fox", "eel", "hen", "rat", "ape", "elk")
LINES = [
    f"I see the {one} and the {other}.\tIch {verb} {one} und {other}.\tCC-BY 2.0 #{index}"
    for one in ANIMALS
    for other in ANIMALS
    for index, verb in enumerate(("sehe", "erblicke"))
]
TEXT = ("\n".join(LINES) + "\n").encode()


def archive(path: Path, name: str = "deu.txt", text: bytes = TEXT) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("_about.txt", "about")
        file.writestr(name, text)
    return path


@pytest.mark.parametrize("kind", ["deu.zip", "deu.tsv", "deu.tsv.gz"])
def test_each_kind_of_file_gives_the_same_corpus(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind.endswith("zip"):
        archive(path)
    else:
        path.write_bytes(gzip.compress(TEXT) if kind.endswith("gz") else TEXT)
    corpus = make_tatoeba(tmp_path, path, evaluation_pairs=10)
    assert sum(map(len, corpus.splits.values())) == len(LINES)
    assert {split: len(pairs) for split, pairs in corpus.splits.items()} == {
        "train": 268,
        "validation": 10,
        "test": 10,
    }


def test_the_variants_of_one_sentence_are_in_one_split(tmp_path: Path) -> None:
    corpus = make_tatoeba(tmp_path, archive(tmp_path / "deu.zip"), evaluation_pairs=14)
    keys = [{comparison_key(source) for source, _ in pairs} for pairs in corpus.splits.values()]
    assert sum(map(len, keys)) == len(set.union(*keys)) == len(ANIMALS) ** 2


def test_the_origin_tells_the_checksum_of_the_file(tmp_path: Path) -> None:
    path = archive(tmp_path / "deu.zip")
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    assert checksum in make_tatoeba(tmp_path, path).origin


def test_the_archive_is_downloaded_and_kept(tmp_path: Path) -> None:
    url = archive(tmp_path / "upstream.zip").as_uri()
    corpus = make_tatoeba(tmp_path / "downloads", url=url, pause_seconds=0)
    assert corpus.splits["train"]
    assert [path.name for path in (tmp_path / "downloads").iterdir()] == ["deu-eng.zip"]


def test_a_page_instead_of_the_archive_is_refused_and_not_kept(tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(b"<html>Not now</html>")
    with pytest.raises(UserError, match="it is no ZIP archive.*--from FILE"):
        make_tatoeba(tmp_path / "downloads", url=(tmp_path / "page").as_uri(), pause_seconds=0)
    assert list((tmp_path / "downloads").iterdir()) == []


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"deu\.txt"):
        make_tatoeba(tmp_path, archive(tmp_path / "fra.zip", name="fra.txt"))


def test_text_of_another_structure_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("a line\nanother\tline\nand more\n", encoding="utf-8")
    with pytest.raises(UserError, match="2 of 3 lines are not English, TAB, German"):
        make_tatoeba(tmp_path, tmp_path / "text")


def test_a_few_malformed_lines_are_set_aside(tmp_path: Path) -> None:
    corpus = make_tatoeba(tmp_path, archive(tmp_path / "deu.zip", text=TEXT + b"alone\n\xff\ta\n"))
    assert [(line.line, line.reason) for line in corpus.rejected] == [
        (len(LINES) + 1, "wrong number of columns"),
        (len(LINES) + 2, "invalid UTF-8"),
    ]
