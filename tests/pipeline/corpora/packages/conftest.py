"""An archive of tiny real packages, and programs that stand for apt."""

import hashlib
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.corpora import apt
from pipeline.corpora.apt import PrivateApt

CONTROL = """\
Package: {name}
Version: {version}
Architecture: all
Maintainer: Nobody <nobody@example.org>
Description: a package of a test
"""
APT_GET = """\
#!/bin/sh
while [ "$1" != download ]; do shift; done
shift
echo dlstatus:1:50.0:Retrieving
for name; do
    echo "$name" >> {archive}/fetched
    cp {archive}/pool/${{name}}_* . 2>/dev/null || echo "E: Failed to fetch $name  404  Not Found"
done
"""
APT_CACHE = """\
#!/bin/sh
cd {archive}/records
case "$*" in
*pkgnames) ls;;
*show*)
    while [ "$1" != --no-all-versions ]; do shift; done
    shift
    for name; do cat "$name" && echo; done;;
esac
"""


class Archive:
    """An archive with packages.

    Attributes:
        apt: apt that fetches from it.
    """

    def __init__(self, folder: Path, apt_folder: Path) -> None:
        self._folder = folder
        (folder / "pool").mkdir(parents=True)
        (folder / "records").mkdir()
        (folder / "fetched").touch()
        self.apt = PrivateApt(apt_folder, "de")

    def add(self, name: str, files: Mapping[str, str | bytes], version: str = "1:2.0") -> None:
        """Adds a package with files by path."""
        tree = self._folder / name
        (tree / "DEBIAN").mkdir(parents=True)
        control = CONTROL.format(name=name, version=version)
        (tree / "DEBIAN/control").write_text(control, encoding="utf-8")
        for path, content in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            data = content if isinstance(content, bytes) else content.encode()
            (tree / path).write_bytes(data)
        package = self._folder / "pool" / f"{name}_{version.replace(':', '%3a')}_all.deb"
        command = ["dpkg-deb", "--build", "--root-owner-group", str(tree), str(package)]
        subprocess.run(command, check=True, capture_output=True)
        data = package.read_bytes()
        record = f"{control}Size: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
        (self._folder / "records" / name).write_text(record, encoding="utf-8")

    def lose(self, name: str) -> None:
        """Takes a package from the archive, but not from its index."""
        next((self._folder / "pool").glob(f"{name}_*")).unlink()

    def path(self, name: str) -> Path:
        """Returns the file of a package."""
        return next((self._folder / "pool").glob(f"{name}_*"))

    @property
    def fetched(self) -> list[str]:
        """The names of the packages that were fetched, in order."""
        return (self._folder / "fetched").read_text(encoding="utf-8").split()


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    programs = tmp_path / "programs"
    programs.mkdir()
    scripts = {"apt-get": APT_GET, "apt-cache": APT_CACHE, "apt-helper": "#!/bin/sh\n"}
    for name, script in scripts.items():
        text = script.format(archive=tmp_path / "archive")
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setattr(apt, "APT_HELPER", programs / "apt-helper")
    return Archive(tmp_path / "archive", tmp_path / "apt")


def mo_file(messages: Mapping[str, str], charset: str = "UTF-8", order: str = "<") -> bytes:
    """Returns a compiled catalogue of gettext."""
    texts = {"": f"Content-Type: text/plain; charset={charset}\n", **messages}
    count, start = len(texts), 28
    ours = [source.encode(charset) for source in texts]
    theirs = [target.encode(charset) for target in texts.values()]
    offset = start + 16 * count
    tables, data = b"", b""
    for text in (*ours, *theirs):
        tables += struct.pack(f"{order}2I", len(text), offset + len(data))
        data += text + b"\0"
    header = (0x950412DE, 0, count, start, start + 8 * count, 0, 0)
    return struct.pack(f"{order}7I", *header) + tables + data


def qm_file(messages: Mapping[str, tuple[str, ...]]) -> bytes:
    """Returns a compiled catalogue of Qt, with one or several forms of each translation."""
    section = b""
    for source, forms in messages.items():
        for form in forms:
            data = form.encode("utf-16-be")
            section += struct.pack(">BI", 3, len(data)) + data
        section += b"\x05" + bytes(4)
        section += struct.pack(">BI", 6, len(source.encode())) + source.encode() + b"\x01"
    hashes = struct.pack(">BI", 0x42, 8) + bytes(8)
    magic = bytes.fromhex("3cb86418caef9c95cd211cbf60a1bddd")
    return magic + hashes + struct.pack(">BI", 0x69, len(section)) + section
