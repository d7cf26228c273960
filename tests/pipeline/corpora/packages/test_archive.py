from pathlib import Path

import pytest

from pipeline.corpora.packages import archive as reader
from pipeline.corpora.packages.archive import licence_of, read_members
from pipeline.errors import UserError
from tests.pipeline.corpora.packages.conftest import Archive


def test_the_wanted_files_of_a_package_are_read(archive: Archive) -> None:
    archive.add("less", {"usr/share/less/a.txt": "A", "usr/share/less/b.txt": "B"})
    members = read_members(archive.path("less"), lambda path: path.endswith("b.txt"))
    assert list(members) == [("usr/share/less/b.txt", b"B")]


def test_a_huge_file_is_left_out(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_FILE_BYTES", 3)
    archive.add("less", {"a": "AAAA", "b": "BBB"})
    assert list(read_members(archive.path("less"), lambda path: True)) == [("b", b"BBB")]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_a_damaged_package_is_an_error(archive: Archive, share: float) -> None:
    archive.add("less", {"usr/share/a.txt": bytes(range(256)) * 400})
    path = archive.path("less")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ValueError, match="damaged package"):
        list(read_members(path, lambda path: True))


def test_no_dpkg_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="install dpkg"):
        list(read_members(tmp_path / "less.deb", lambda path: True))


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        (
            "Files: *\nLicense: GPL-2+\n\nFiles: x\nLicense: MIT\n\nLicense: MIT\n text",
            "GPL-2+, MIT",
        ),
        ("See /usr/share/common-licenses/GPL-2.", "GPL-2"),
        ("Do what you like.", "see the copyright file of the package"),
        ("".join(f"License: L{n}\n" for n in range(9)), "L0, L1, L2, L3 and 5 more"),
    ],
)
def test_licences_are_named(text: str, licence: str) -> None:
    assert licence_of(text) == licence
