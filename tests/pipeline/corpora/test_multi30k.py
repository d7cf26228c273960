import gzip
import hashlib
from pathlib import Path

import pytest

from pipeline.corpora.multi30k import PUBLISHED_NAMES, make_multi30k
from pipeline.errors import UserError

TEXTS = {
    f"{name}.{language}": f"{name} one {language}\n{name} two {language}\n".encode()
    for name in PUBLISHED_NAMES.values()
    for language in ("en", "de")
}
CHECKSUMS = {name: hashlib.sha256(text).hexdigest() for name, text in TEXTS.items()}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(text))
    return folder


def test_the_published_splits_are_kept_line_for_line(tmp_path: Path, published: Path) -> None:
    corpus = make_multi30k(tmp_path / "downloads", published, checksums=CHECKSUMS)
    assert corpus.splits["validation"] == [
        ("val one en", "val one de"),
        ("val two en", "val two de"),
    ]
    assert corpus.splits["test"][0] == ("test_2016_flickr one en", "test_2016_flickr one de")
    assert not corpus.dropped


def test_plain_files_are_as_good(tmp_path: Path, published: Path) -> None:
    (published / "val.en.gz").unlink()
    (published / "val.en").write_bytes(TEXTS["val.en"])
    corpus = make_multi30k(tmp_path / "downloads", published, checksums=CHECKSUMS)
    assert len(corpus.splits["validation"]) == 2


def test_a_missing_file_is_named(tmp_path: Path, published: Path) -> None:
    (published / "train.de.gz").unlink()
    with pytest.raises(UserError, match=r"neither train\.de nor train\.de\.gz"):
        make_multi30k(tmp_path / "downloads", published, checksums=CHECKSUMS)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (gzip.compress(b"other\ntext\n", mtime=0), "SHA-256"),
        (gzip.compress(b"x" * 99, mtime=0)[:-5], "damaged"),
    ],
    ids=["another text", "a cut file"],
)
def test_another_text_is_not_the_benchmark(
    tmp_path: Path, published: Path, data: bytes, complaint: str
) -> None:
    (published / "test_2016_flickr.de.gz").write_bytes(data)
    with pytest.raises(UserError, match=f"not the published Multi30k text .*{complaint}"):
        make_multi30k(tmp_path / "downloads", published, checksums=CHECKSUMS)


def test_files_are_downloaded_from_where_they_are(tmp_path: Path, published: Path) -> None:
    corpus = make_multi30k(
        tmp_path / "downloads", base_url=published.as_uri(), checksums=CHECKSUMS, pause_seconds=0
    )
    assert len(corpus.splits["train"]) == 2
    assert len(list((tmp_path / "downloads").iterdir())) == len(TEXTS)


def test_an_unreachable_address_names_the_alternatives(tmp_path: Path) -> None:
    nowhere = (tmp_path / "nothing").as_uri()
    with pytest.raises(UserError, match="--from DIR"):
        make_multi30k(tmp_path / "downloads", base_url=nowhere, pause_seconds=0)
