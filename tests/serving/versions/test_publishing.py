"""Versions appear whole or not at all.

Real processes race, are killed, and run out of disk.
"""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from serving.versions.directory import fingerprint, list_versions
from serving.versions.publishing import PublishingError, opened
from serving.versions.push import push, roll_back
from serving.versions.records import VersionRecord, read_records, write_record
from serving.versions.store import LocalStore
from tests.serving.versions.pushed_models import NOON, STORE, Models, write_saved_model

ROOT = Path(__file__).resolve().parents[3]
PUSH_ALL = """
import sys
from serving.versions.push import push
from serving.versions.store import LocalStore
folder, keep, *candidates = sys.argv[1:]
for candidate in candidates:
    print(push(candidate, folder, LocalStore(), keep=int(keep)).number, flush=True)
"""


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


@contextmanager
def watched(folder: Path, expected: set[str]) -> Iterator[list[str]]:
    """Reads a model directory like a server, without pauses; yields a list of errors seen there."""
    seen: list[str] = []
    ended = Event()

    def watch() -> None:
        whole: set[str] = set()
        while not ended.is_set():
            for version in list_versions(folder):
                try:
                    if version.path in whole:
                        continue
                    content = fingerprint(version.path)
                except FileNotFoundError:
                    # Moved away while it was read: this happens only to old, retired versions.
                    continue
                if not os.path.isdir(version.path):
                    continue
                whole.add(version.path)
                if not version.complete or content not in expected:
                    seen.append(f"{version.path}: {version.problem or 'not all of its files'}")

    thread = Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def candidates(root: Path, count: int, *, shards: int, size: int) -> list[Path]:
    names = [chr(ord("a") + number) for number in range(count)]
    return [write_saved_model(root / name, name.encode(), shards, size) for name in names]


@pytest.mark.slow
def test_processes_that_push_at_once_leave_whole_versions_of_distinct_numbers(
    tmp_path: Path,
) -> None:
    models = candidates(tmp_path / "candidates", 12, shards=8, size=50_000)
    folder = tmp_path / "models"
    with watched(folder, {fingerprint(model) for model in models}) as wrong:
        processes = [start(PUSH_ALL, folder, 100, *models[i::4]) for i in range(4)]
        answers = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, answers
    numbers = [int(line) for output, _ in answers for line in output.split()]
    assert wrong == []
    assert len(set(numbers)) == 12
    assert {version.number for version in list_versions(folder)} == set(numbers)
    assert {fingerprint(version.path) for version in list_versions(folder)} == {
        fingerprint(model) for model in models
    }


@pytest.mark.slow
def test_processes_that_push_and_retire_at_once_keep_as_many_as_they_are_told(
    tmp_path: Path,
) -> None:
    models = candidates(tmp_path / "candidates", 12, shards=4, size=20_000)
    folder = tmp_path / "models"
    with watched(folder, {fingerprint(model) for model in models}) as wrong:
        processes = [start(PUSH_ALL, folder, 2, *models[i::4]) for i in range(4)]
        answers = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, answers
    numbers = sorted(int(line) for output, _ in answers for line in output.split())
    assert wrong == []
    assert [version.number for version in list_versions(folder)] == numbers[-2:]


WITHOUT_LOCKS = """
import errno, fcntl
def no_locks(*_):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = no_locks
"""


@pytest.mark.slow
def test_without_locks_one_of_two_may_fail_and_still_no_half_is_seen(tmp_path: Path) -> None:
    models = candidates(tmp_path / "candidates", 12, shards=8, size=50_000)
    folder = tmp_path / "models"
    with watched(folder, {fingerprint(model) for model in models}) as wrong:
        processes = [start(WITHOUT_LOCKS + PUSH_ALL, folder, 100, *models[i::4]) for i in range(4)]
        answers = [process.communicate() for process in processes]
    numbers = [int(line) for output, _ in answers for line in output.split()]
    assert wrong == []
    assert len(set(numbers)) == len(numbers) >= 1
    assert set(numbers) <= {version.number for version in list_versions(folder)}
    for process, (_, complaint) in zip(processes, answers, strict=True):
        assert process.returncode == 0 or "PublishingError: " in complaint


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_nothing_that_a_server_loads(tmp_path: Path) -> None:
    live, big = candidates(tmp_path / "candidates", 2, shards=40, size=400_000)
    folder = tmp_path / "models"
    push(str(live), str(folder), LocalStore(), keep=5)
    before = [version.number for version in list_versions(folder)]
    left_behind = 0
    with watched(folder, {fingerprint(live), fingerprint(big)}) as wrong:
        for _ in range(5):
            process = start(PUSH_ALL, folder, 5, big)
            deadline = time.monotonic() + 60
            while not list(folder.glob(".nmt/staging-*/variables/*00003-of-00040")):
                assert time.monotonic() < deadline
                assert process.poll() is None, process.communicate()
            process.send_signal(signal.SIGKILL)
            process.communicate()
            left_behind += len(list(folder.glob(".nmt/staging-*")))
            assert [version.number for version in list_versions(folder)] == before
            with opened(str(folder), STORE):
                pass
            assert list(folder.glob(".nmt/staging-*")) == []
    assert wrong == []
    assert left_behind > 0


def test_a_version_that_was_moved_and_not_confirmed_is_found_by_the_next_push(
    tmp_path: Path,
) -> None:
    models = Models(tmp_path)
    [first] = models.pushed("one")
    record = read_records(models.folder)[-1]
    write_record(str(models.folder), record.model_copy(update={"state": "pending"}), STORE)
    models.pushed("two")
    assert [record.state for record in read_records(models.folder)] == ["published"] * 2
    assert first in models.numbers()


def test_a_version_that_was_announced_and_never_came_keeps_its_number_to_itself(
    tmp_path: Path,
) -> None:
    models = Models(tmp_path)
    [first] = models.pushed("one")
    announced = VersionRecord(
        version=first + 10**6,
        action="rollback",
        state="pending",
        time=NOON,
        by="somebody@here",
        fingerprint="of nothing",
        withdrawn={fingerprint(models.candidate("two")): first},
    )
    write_record(str(models.folder), announced, STORE)
    [second] = models.pushed("two")
    assert second == first + 10**6 + 1
    assert [record.state for record in read_records(models.folder)] == [
        "published", "abandoned", "published",
    ]  # fmt: skip


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from serving.versions.push import push
from serving.versions.store import LocalStore
push(sys.argv[1], sys.argv[2], LocalStore(), keep=5)
"""


def test_a_full_disk_leaves_what_is_live_and_says_so(tmp_path: Path) -> None:
    small = write_saved_model(tmp_path / "small", b"small")
    big = write_saved_model(tmp_path / "big", b"big", shards=2, size=200_000)
    folder = tmp_path / "models"
    before = push(str(small), str(folder), LocalStore(), keep=5)
    process = start(FULL_DISK, big, folder)
    _, complaint = process.communicate()
    assert process.returncode == 1
    assert (
        f"PublishingError: The disk is full: no version could be written to {folder}, the partial "
        "copy was removed, and the live version is unchanged." in complaint
    )
    assert [version.path for version in list_versions(folder)] == [before.path]
    assert list(folder.glob(".nmt/staging-*")) == []


def test_a_rollback_works_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = Models(tmp_path)
    models.pushed("one", "two")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", refuse)
    roll_back(str(models.folder), STORE)
    assert models.contents() == ["one", "two", "one"]
    with pytest.raises(PublishingError, match="The disk is full"):
        models.push("three")


def test_a_copy_that_is_not_the_original_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Models(tmp_path)
    models.pushed("one")
    copy = LocalStore.copy

    def flip(self: LocalStore, source: str, destination: str, *, link: bool = False) -> None:
        copy(self, source, destination, link=link)
        if destination.endswith("variables.index"):
            Path(destination).write_bytes(b"INDEX")

    monkeypatch.setattr(LocalStore, "copy", flip)
    with pytest.raises(PublishingError, match="differs from the original"):
        models.push("two")
    assert models.contents() == ["one"]
    assert list(models.folder.glob(".nmt/staging-*")) == []


def test_a_model_that_cannot_be_served_is_not_published(tmp_path: Path) -> None:
    models = Models(tmp_path)
    (models.candidate("one") / "saved_model.pb").write_bytes(b"")
    with pytest.raises(PublishingError, match="saved_model.pb is missing or empty"):
        models.push("one")
    assert models.numbers() == []


def test_where_locks_do_not_work_a_number_is_still_taken_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Models(tmp_path)

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    move = LocalStore.move

    def somebody_is_faster(self: LocalStore, source: str, destination: str) -> None:
        monkeypatch.setattr(LocalStore, "move", move)
        write_saved_model(Path(destination), b"of somebody else")
        move(self, source, destination)

    monkeypatch.setattr(LocalStore, "move", somebody_is_faster)
    models.pushed("one")
    assert models.contents() == ["of somebody else", "one"]


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    models = Models(tmp_path)
    models.folder.write_text("a file in the way", encoding="utf-8")
    with pytest.raises(PublishingError, match=f"No version could be written to {models.folder}"):
        models.push("one")


class ObjectStore(LocalStore):
    """A store that declares to publishing that it can neither lock nor move."""

    moves_whole_folders = False
    abandoned_after_seconds = 3600.0

    def __init__(self) -> None:
        self.copied: list[str] = []

    def copy(self, source: str, destination: str, *, link: bool = False) -> None:
        self.copied.append(os.path.basename(destination))
        super().copy(source, destination)

    def move(self, source: str, destination: str) -> None:
        raise AssertionError("an object store moves no folders")


def test_without_folders_to_move_the_graph_is_copied_last(tmp_path: Path) -> None:
    models, store = Models(tmp_path), ObjectStore()
    push(str(models.candidate("one")), str(models.folder), store, keep=2)
    assert store.copied[-1] == "saved_model.pb"
    assert models.contents() == ["one"]
    assert list(models.folder.glob(".nmt/claims/*")) == []


def test_without_locks_a_number_that_somebody_claims_is_left_to_them(tmp_path: Path) -> None:
    models, store = Models(tmp_path), ObjectStore()
    claims = models.folder / ".nmt/claims"
    claims.mkdir(parents=True)
    number = int(NOON.timestamp())
    (claims / f"{number}-somebody").write_text("somebody@there", encoding="utf-8")
    result = push(
        str(models.candidate("one")), str(models.folder), store, keep=2, clock=lambda: NOON
    )
    assert result.number is not None
    assert result.number > number


def test_an_unfinished_copy_is_cleared_away_when_it_is_old(tmp_path: Path) -> None:
    models, store = Models(tmp_path), ObjectStore()
    half = models.folder / "1000"
    write_saved_model(half, b"half")
    (half / "saved_model.pb").unlink()
    pending = VersionRecord(
        version=1000, action="push", state="pending", time=NOON, by="x", fingerprint="of the whole"
    )
    write_record(str(models.folder), pending, store)

    def push_at(minutes: int, name: str) -> None:
        time = NOON + timedelta(minutes=minutes)
        push(str(models.candidate(name)), str(models.folder), store, keep=2, clock=lambda: time)

    push_at(5, "one")
    assert half.exists()
    push_at(65, "two")
    assert not half.exists()


def test_retiring_without_folders_to_move_takes_the_graph_first(tmp_path: Path) -> None:
    models = Models(tmp_path)
    removed: list[str] = []

    class Recording(ObjectStore):
        def remove(self, path: str) -> None:
            removed.append(path)
            super().remove(path)

    for minute, name in enumerate(("one", "two", "three")):
        time = NOON + timedelta(minutes=minute)
        push(
            str(models.candidate(name)), str(models.folder), Recording(), keep=2,
            clock=lambda time=time: time,
        )  # fmt: skip
    first = str(models.folder / str(int(NOON.timestamp())))
    assert [path for path in removed if path.startswith(first)] == [
        f"{first}/saved_model.pb", first,
    ]  # fmt: skip
