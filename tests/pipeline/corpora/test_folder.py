import errno
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.corpora import folder as folder_module
from pipeline.corpora.folder import (
    CorpusText,
    RejectedLine,
    load_corpus,
    read_split,
    write_corpus,
)
from pipeline.corpora.information import CorpusInfo
from pipeline.errors import RunFailedError, UserError


def corpus(*train: tuple[str, str], rejected: tuple[RejectedLine, ...] = ()) -> CorpusText:
    return CorpusText(
        name="small",
        source_language="en",
        target_language="de",
        licence="CC0",
        origin="this test",
        splits={
            "train": train or (("one cat", "eine Katze"), ("two dogs", "zwei Hunde")),
            "validation": [("a cow", "eine Kuh")],
            "test": [("an owl", "eine Eule")],
        },
        dropped={"duplicate": 3},
        rejected=rejected,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    written = write_corpus(corpus(), tmp_path / "small")
    assert load_corpus(tmp_path / "small") == written
    assert list(read_split(tmp_path / "small", "train")) == [
        ("one cat", "eine Katze"),
        ("two dogs", "zwei Hunde"),
    ]


def test_features_are_columns_of_the_shards_with_their_names_beside_them(tmp_path: Path) -> None:
    sliced = replace(
        corpus(),
        splits={
            "train": [("one cat", "eine Katze", "pets\t", "")],
            "validation": [("a cow", "eine Kuh", "farm", "x")],
            "test": [("an owl", "eine Eule", "wood", "y")],
        },
        features=("domain", "writer"),
    )
    information = write_corpus(sliced, tmp_path / "small")
    assert load_corpus(tmp_path / "small").features == ("domain", "writer")
    shard = gzip.decompress((tmp_path / "small/train-00000-of-00001.tsv.gz").read_bytes())
    assert shard == b"one cat\teine Katze\tpets\t\n"
    assert list(read_split(tmp_path / "small", "train")) == [("one cat", "eine Katze")]
    plain = write_corpus(corpus(("one cat", "eine Katze")), tmp_path / "plain")
    assert information.checksum != plain.checksum
    assert information.words == plain.words


def test_a_name_that_no_feature_can_have_damages_the_corpus(tmp_path: Path) -> None:
    write_corpus(corpus(), tmp_path / "small")
    path = tmp_path / "small/corpus.json"
    document = json.loads(path.read_text(encoding="utf-8")) | {"features": ["target"]}
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UserError, match=r"features: .*target is part of every example already"):
        load_corpus(tmp_path / "small")


def test_counts_and_words_are_those_of_the_text(tmp_path: Path) -> None:
    information = write_corpus(corpus(), tmp_path / "small")
    assert information.counts == {"train": 2, "validation": 1, "test": 1}
    assert information.words["train"].source == 4
    assert information.dropped == {"duplicate": 3}


def test_the_same_text_gives_the_same_bytes(tmp_path: Path) -> None:
    one = write_corpus(corpus(), tmp_path / "one")
    other = write_corpus(corpus(), tmp_path / "two")
    shards = [
        {name: data for name, data in contents(tmp_path / name).items() if name != "corpus.json"}
        for name in ("one", "two")
    ]
    assert shards[0] == shards[1]
    assert one.checksum == other.checksum


def test_another_text_has_another_checksum(tmp_path: Path) -> None:
    one = write_corpus(corpus(), tmp_path / "one")
    other = write_corpus(corpus(("one cat", "eine Katze")), tmp_path / "two")
    assert one.checksum != other.checksum


def test_a_large_split_has_several_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "PAIRS_PER_SHARD", 2)
    pairs = [(f"source {number}", f"target {number}") for number in range(5)]
    information = write_corpus(corpus(*pairs), tmp_path / "small")
    assert sorted(name for name in information.shards if name.startswith("train")) == [
        f"train-0000{index}-of-00003.tsv.gz" for index in range(3)
    ]
    assert list(read_split(tmp_path / "small", "train")) == pairs


def test_tabs_and_line_ends_in_a_text_become_spaces(tmp_path: Path) -> None:
    write_corpus(corpus(("a\tb\nc", "d\r\ne")), tmp_path / "small")
    assert list(read_split(tmp_path / "small", "train")) == [("a b c", "d e")]


def test_rejected_lines_lie_beside_the_corpus(tmp_path: Path) -> None:
    line = RejectedLine("a.tsv", 7, "NUL byte", "x\0\ty")
    information = write_corpus(corpus(rejected=(line,)), tmp_path / "small")
    text = (tmp_path / "small/rejected.tsv").read_text(encoding="utf-8")
    assert text.splitlines()[1] == "a.tsv\t7\tNUL byte\t'x\\x00\\ty'"
    assert information.rejected == {"NUL byte": 1}
    assert load_corpus(tmp_path / "small") == information


def test_an_existing_corpus_is_replaced_only_on_demand(tmp_path: Path) -> None:
    write_corpus(corpus(), tmp_path / "small")
    with pytest.raises(UserError, match="--force"):
        write_corpus(corpus(("new", "neu")), tmp_path / "small")
    write_corpus(corpus(("new", "neu")), tmp_path / "small", replace=True)
    assert list(read_split(tmp_path / "small", "train")) == [("new", "neu")]
    assert os.listdir(tmp_path) == ["small"]


def test_a_corpus_without_training_text_is_refused(tmp_path: Path) -> None:
    empty = CorpusText("x", "en", "de", "", "", {"train": [], "validation": [], "test": []})
    with pytest.raises(UserError, match="Nothing is left to train on"):
        write_corpus(empty, tmp_path / "x")
    assert os.listdir(tmp_path) == []


def failing_sync(error: BaseException, after: int) -> Callable[[int], None]:
    calls = 0

    def fsync(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > after:
            raise error

    return fsync


@pytest.mark.parametrize("after", [0, 1, 3, 4])
@pytest.mark.parametrize("old", [True, False])
def test_a_full_disk_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, old: bool
) -> None:
    if old:
        write_corpus(corpus(), tmp_path / "small")
    before = contents(tmp_path / "small") if old else {}
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(os, "fsync", failing_sync(full, after))
    with pytest.raises(RunFailedError, match="The disk is full"):
        write_corpus(corpus(("new", "neu")), tmp_path / "small", replace=True)
    assert os.listdir(tmp_path) == (["small"] if old else [])
    assert (contents(tmp_path / "small") if old else {}) == before


def test_an_interruption_leaves_the_old_corpus_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(corpus(), tmp_path / "small")
    before = contents(tmp_path / "small")
    monkeypatch.setattr(os, "fsync", failing_sync(KeyboardInterrupt(), 2))
    with pytest.raises(KeyboardInterrupt):
        write_corpus(corpus(("new", "neu")), tmp_path / "small", replace=True)
    assert os.listdir(tmp_path) == ["small"]
    assert contents(tmp_path / "small") == before


def test_a_corpus_replaced_while_it_is_verified_is_verified_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(corpus(), tmp_path / "small")
    read, new = folder_module._read, []

    def replace_first(path: Path) -> bytes:
        if not new:
            new.append(write_corpus(corpus(("new", "neu")), tmp_path / "small", replace=True))
        return read(path)

    monkeypatch.setattr(folder_module, "_read", replace_first)
    assert [load_corpus(tmp_path / "small")] == new


def test_a_corpus_that_another_process_makes_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill, others = folder_module._fill, []

    def fill_second(building: Path, text: CorpusText) -> CorpusInfo:
        if not others:
            others.append(corpus(("new", "neu")))
            write_corpus(others[0], tmp_path / "small")
        return fill(building, text)

    monkeypatch.setattr(folder_module, "_fill", fill_second)
    with pytest.raises(UserError, match="exists already; add --force"):
        write_corpus(corpus(), tmp_path / "small")
    assert list(read_split(tmp_path / "small", "train")) == [("new", "neu")]
    assert os.listdir(tmp_path) == ["small"]


def test_a_corpus_is_there_at_every_moment_of_its_replacement(tmp_path: Path) -> None:
    write_corpus(corpus(), tmp_path / "small")
    watcher = """
import pathlib, sys
folder = pathlib.Path(sys.argv[1])
print("watches", flush=True)
while not (folder.parent / "end").exists():
    assert folder.exists()
"""
    command = [sys.executable, "-c", watcher, str(tmp_path / "small")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(100):
            write_corpus(corpus(("new", "neu")), tmp_path / "small", replace=True)
        (tmp_path / "end").touch()
        assert process.wait(60) == 0
    assert sorted(os.listdir(tmp_path)) == ["end", "small"]


def test_a_file_system_that_cannot_exchange_folders_renames_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "_RENAME_EXCHANGE", 1 << 30)  # EINVAL, as from such a one
    write_corpus(corpus(), tmp_path / "small")
    write_corpus(corpus(("new", "neu")), tmp_path / "small", replace=True)
    assert list(read_split(tmp_path / "small", "train")) == [("new", "neu")]
    assert os.listdir(tmp_path) == ["small"]


def test_a_failed_rename_puts_the_old_corpus_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(corpus(), tmp_path / "small")
    before = contents(tmp_path / "small")
    rename = Path.rename
    monkeypatch.setattr(folder_module, "_exchange", lambda one, other: False)

    def failing_rename(path: Path, target: Path) -> Path:
        if path.suffix == ".partial":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing_rename)
    with pytest.raises(UserError, match="Cannot write"):
        write_corpus(corpus(("new", "neu")), tmp_path / "small", replace=True)
    assert os.listdir(tmp_path) == ["small"]
    assert contents(tmp_path / "small") == before


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".small.abcd.partial").mkdir()
    (tmp_path / ".small.abcd.partial/train-00000-of-00001.tsv.gz").write_bytes(b"half")
    write_corpus(corpus(), tmp_path / "small")
    assert os.listdir(tmp_path) == ["small"]


def test_an_old_corpus_that_a_killed_process_moved_aside_comes_back(tmp_path: Path) -> None:
    write_corpus(corpus(), tmp_path / "small")
    before = contents(tmp_path / "small")
    (tmp_path / "small").rename(tmp_path / ".small.abcd.old")
    with pytest.raises(UserError, match="exists already"):
        write_corpus(corpus(("new", "neu")), tmp_path / "small")
    assert contents(tmp_path / "small") == before


def test_a_place_that_is_no_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="Cannot write .* --workspace"):
        write_corpus(corpus(), tmp_path / "file" / "small")


def remove_shard(folder: Path) -> None:
    (folder / "test-00000-of-00001.tsv.gz").unlink()


def add_shard(folder: Path) -> None:
    (folder / "train-extra.tsv").write_text("a\tb\n", encoding="utf-8")


def change_shard(folder: Path) -> None:
    path = folder / "train-00000-of-00001.tsv.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"cat", b"bat")))


def truncate_shard(folder: Path) -> None:
    path = folder / "train-00000-of-00001.tsv.gz"
    path.write_bytes(path.read_bytes()[:-9])


def scramble_shard(folder: Path) -> None:
    path = folder / "train-00000-of-00001.tsv.gz"
    path.write_bytes(path.read_bytes()[:10] + b"\xff" * 20)


def change_counts(folder: Path) -> None:
    change_information(folder, counts={"train": 9, "validation": 1, "test": 1})


def drop_name(folder: Path) -> None:
    change_information(folder, name="")


def break_information(folder: Path) -> None:
    (folder / "corpus.json").write_text('{"name": ', encoding="utf-8")


def remove_information(folder: Path) -> None:
    (folder / "corpus.json").unlink()


def change_information(folder: Path, **values: object) -> None:
    path = folder / "corpus.json"
    document = json.loads(path.read_text(encoding="utf-8")) | values
    path.write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove_shard, "test-00000-of-00001.tsv.gz is missing"),
        (add_shard, "train-extra.tsv is unknown"),
        (change_shard, "train-00000-of-00001.tsv.gz is not the file"),
        (truncate_shard, "train-00000-of-00001.tsv.gz is not the file"),
        (scramble_shard, "train-00000-of-00001.tsv.gz is not the file"),
        (change_counts, "counts"),
        (drop_name, "name"),
        (break_information, "corpus.json is damaged"),
        (remove_information, "There is no corpus"),
    ],
)
def test_a_damaged_corpus_is_named_and_refused(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    write_corpus(corpus(), tmp_path / "small")
    damage(tmp_path / "small")
    with pytest.raises(UserError, match=message):
        load_corpus(tmp_path / "small")


def test_another_compression_is_the_same_corpus(tmp_path: Path) -> None:
    information = write_corpus(corpus(), tmp_path / "small")
    for path in (tmp_path / "small").glob("*.gz"):
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1))
    assert load_corpus(tmp_path / "small").checksum == information.checksum
