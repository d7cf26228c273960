"""Files that unpack to too much, or cannot be unpacked. In processes with little memory."""

import gzip
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipeline import cli

TEXT = b"one\teins\n"


def _import(path: Path, workspace: Path, memory: int | None = None) -> tuple[int, str]:
    limit = (
        f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory})); "
        if memory
        else ""
    )
    program = f"{limit}import sys; from pipeline import cli; sys.exit(cli.main(sys.argv[1:]))"
    arguments = ["corpus", "import", "--name", "own", "--tsv", str(path)]
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments, "--workspace", str(workspace)],
        capture_output=True,
        text=True,
        timeout=100,
    )
    return result.returncode, result.stderr.splitlines()[-1]


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=6) as file:
        for _ in range(100):
            file.write(bytes(1 << 20))
    status, said = _import(path, tmp_path)
    assert (status, said) == (
        2,
        f"nmt: {path} unpacks to more than 100 times its size, which no text does; unpack it "
        "yourself if you trust it.",
    )


def test_more_than_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.gz"
    rows = os.urandom(1 << 20).hex("\n", 100).splitlines()
    noise = "".join(f"{row[:100]}\t{row[100:]}\n" for row in rows).encode()
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(150):
            file.write(noise)
    status, said = _import(path, tmp_path, memory=500 << 20)
    assert status == 2
    assert "than this machine's memory; divide it" in said


def test_small_text_may_be_as_repetitive_as_it_likes(tmp_path: Path) -> None:
    path = tmp_path / "own.gz"
    path.write_bytes(gzip.compress(TEXT * 100_000))
    assert "100 times" not in _import(path, tmp_path)[1]


def _archive(path: Path) -> bytearray:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("deu.txt", TEXT * 1000)
    return bytearray(path.read_bytes())


@pytest.mark.parametrize(("offset", "value", "reason"), [
    (0, 1, "password required"), (2, 99, "compression method is not supported"),
])  # fmt: skip
def test_an_archive_that_cannot_be_unpacked_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture, offset: int, value: int, reason: str
) -> None:
    path = tmp_path / "deu.zip"
    content = _archive(path)
    for header, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(header) + flags + offset] = value
    path.write_bytes(content)
    assert cli.main(["corpus", "tatoeba", "--from", str(path), "--workspace", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert reason in said
    assert "pack it again with plain ZIP, without a password." in said


def test_a_long_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "own.tsv"
    path.write_bytes(TEXT)
    name = ["--name", "a" * 300, "--workspace", str(tmp_path)]
    assert cli.main(["corpus", "import", "--tsv", str(path), *name]) == 2
    assert "use at most 100 lower-case letters" in capsys.readouterr().err
