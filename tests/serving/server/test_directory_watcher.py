import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.local.saved_model import ModelLoadError
from serving.server.directory_watcher import DirectoryWatcher
from serving.server.loaded_model import LoadedModel
from serving.server.requests import Target
from serving.server.version_policy import VersionPolicy
from serving.server.versions import State, Versions
from serving.versions.push import push, roll_back
from serving.versions.store import LocalStore
from tests.serving.server.fake_model import LONG, NAME, fake_load, make_version


class Watched:
    """A folder, its versions, and the recorded loads and log messages."""

    def __init__(
        self,
        folder: Path,
        poll_seconds: float = LONG,
        settle_seconds: float = 0.0,
        linger_seconds: float = 0.0,
    ):
        self.folder = folder
        self.versions = Versions(NAME)
        self.loads: list[int] = []
        self.broken: set[int] = set()
        self.said: list[str] = []
        self.while_loading: Callable[[], None] = lambda: None
        self.watcher = DirectoryWatcher(
            str(folder),
            self.versions,
            self._load,
            poll_seconds=poll_seconds,
            settle_seconds=settle_seconds,
            linger_seconds=linger_seconds,
            report=self.said.append,
        )

    def _load(self, path: str, number: int) -> LoadedModel:
        self.loads.append(number)
        self.while_loading()
        if number in self.broken:
            raise ModelLoadError("It is damaged.")
        return fake_load(path, number)

    def states(self) -> dict[int, State]:
        return {status.number: status.state for status in self.versions.statuses()}

    def served_after_poll(self) -> list[int]:
        self.watcher.poll()
        return self.versions.available()


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_a_missing_or_empty_folder_has_no_versions(watched, tmp_path):
    assert watched.served_after_poll() == []
    assert Watched(tmp_path / "missing").served_after_poll() == []


def test_only_the_highest_version_is_loaded(watched):
    for number in (1, 10, 9):
        make_version(watched.folder, number)
    assert (watched.served_after_poll(), watched.loads) == ([10], [10])


def test_a_folder_that_has_not_changed_is_not_looked_at_again(watched, monkeypatch):
    make_version(watched.folder, 1)
    watched.watcher.poll()
    monkeypatch.setattr("serving.server.directory_watcher.list_versions", None)
    watched.watcher.poll()


def test_the_old_version_is_freed_a_moment_after_the_new_one_has_taken_over(tmp_path):
    watched = Watched(tmp_path, poll_seconds=0.01, linger_seconds=LONG)
    make_version(watched.folder, 1)
    watched.watcher.poll()
    make_version(watched.folder, 2)
    watched.watcher.start()
    end = time.monotonic() + LONG
    while watched.versions.available() != [1, 2] and time.monotonic() < end:
        time.sleep(0.01)
    with watched.versions.lease(Target(NAME)) as lease:
        assert lease.model.number == 2
    assert watched.watcher.stop(LONG)  # ends the wait at once
    assert watched.versions.available() == [2]


def test_the_old_version_serves_until_the_new_one_is_loaded(watched):
    make_version(watched.folder, 1)
    watched.watcher.poll()
    make_version(watched.folder, 2)
    served = []
    watched.while_loading = lambda: served.append((watched.versions.available(), watched.states()))
    assert watched.served_after_poll() == [2]
    assert served == [([1], {1: State.AVAILABLE, 2: State.LOADING})]
    assert watched.states() == {1: State.END, 2: State.AVAILABLE}
    assert watched.said[1:] == [
        f"{NAME}: version 2 is served.",
        f"{NAME}: version 1 is retired.",
    ]


def test_an_incomplete_version_is_loaded_once_it_is_complete(watched):
    version = make_version(watched.folder, 1)
    index = version / "variables/variables.index"
    index.rename(version / "elsewhere")
    assert (watched.served_after_poll(), watched.states()) == ([], {1: State.START})
    (version / "elsewhere").rename(index)
    assert watched.served_after_poll() == [1]


def test_a_version_that_is_still_changing_is_left_to_settle(tmp_path):
    watched = Watched(tmp_path, settle_seconds=LONG)
    make_version(tmp_path, 1)
    assert (watched.served_after_poll(), watched.loads) == ([], [])
    assert not watched.watcher.is_settled
    (status,) = watched.versions.statuses()
    assert (status.state, status.problem) == (State.START, "its files have just changed")


def test_a_version_that_has_settled_is_loaded_without_any_change(tmp_path):
    watched = Watched(tmp_path, settle_seconds=0.05)
    make_version(tmp_path, 1)
    watched.watcher.poll()
    time.sleep(0.06)
    assert watched.served_after_poll() == [1]


def test_a_version_that_failed_is_tried_again_only_when_its_files_change(watched):
    version = make_version(watched.folder, 1)
    watched.broken = {1}
    for _ in range(3):
        assert watched.served_after_poll() == []
    assert watched.loads == [1]
    assert watched.said == [f"{NAME}: version 1 cannot be loaded: It is damaged."]
    watched.broken = set()
    (version / "variables/variables.index").write_bytes(b"fixed")
    assert (watched.served_after_poll(), watched.loads) == ([1], [1, 1])


def test_where_the_highest_version_fails_the_next_best_is_loaded(watched):
    for number in (1, 2, 3):
        make_version(watched.folder, number)
    watched.broken = {3}
    assert (watched.served_after_poll(), watched.loads) == ([2], [3, 2])


def test_where_a_new_version_fails_the_old_one_is_kept(watched):
    make_version(watched.folder, 1)
    watched.watcher.poll()
    make_version(watched.folder, 2)
    watched.broken = {2}
    assert watched.served_after_poll() == [1]
    (_, failed) = watched.versions.statuses()
    assert (failed.state, failed.problem) == (State.END, "It is damaged.")


def test_where_the_served_version_is_deleted_the_next_best_takes_over(watched):
    make_version(watched.folder, 1)
    newest = make_version(watched.folder, 2)
    watched.watcher.poll()
    shutil.rmtree(newest)
    assert watched.served_after_poll() == [1]


def test_what_is_served_stays_served_when_all_is_deleted(watched):
    version = make_version(watched.folder, 1)
    watched.watcher.poll()
    shutil.rmtree(version)
    assert watched.served_after_poll() == [1]


def test_a_version_that_never_was_loaded_is_forgotten_with_its_folder(watched):
    version = make_version(watched.folder, 1)
    watched.broken = {1}
    watched.watcher.poll()
    shutil.rmtree(version)
    watched.watcher.poll()
    assert watched.states() == {}


def test_a_version_in_use_is_unloaded_when_its_last_request_ended(watched):
    make_version(watched.folder, 1)
    watched.watcher.poll()
    with watched.versions.lease(Target(NAME)) as lease:
        piece = lease.share()
        make_version(watched.folder, 2)
        assert watched.served_after_poll() == [2]
        assert watched.states()[1] is State.UNLOADING
    assert watched.states()[1] is State.UNLOADING
    piece.release()
    assert watched.states() == {1: State.END, 2: State.AVAILABLE}


def test_a_version_that_ended_can_be_loaded_again(watched):
    make_version(watched.folder, 1)
    watched.watcher.poll()
    make_version(watched.folder, 2)
    watched.watcher.poll()
    watched.watcher.set_policy(VersionPolicy(specific=frozenset({1})))
    assert watched.states() == {1: State.AVAILABLE, 2: State.END}
    assert watched.loads == [1, 2, 1]


def test_versions_that_are_pushed_and_rolled_back_are_loaded_one_after_the_other(tmp_path):
    folder, store = tmp_path / "models", LocalStore()
    watched = Watched(folder)
    loaded = []
    for number in (1, 2):
        candidate = make_version(tmp_path / "candidates", number)
        (candidate / "assets.txt").write_text(str(number), encoding="utf-8")
        result = push(str(candidate), str(folder), store, keep=2)
        loaded.append(result.number)
        assert watched.served_after_poll() == [result.number]
    record = roll_back(str(folder), store)
    assert watched.served_after_poll() == [record.version]
    assert watched.loads == [*loaded, record.version]


def test_what_is_on_its_way_is_not_looked_at(watched, monkeypatch):
    make_version(watched.folder, 1)
    watched.watcher.poll()
    make_version(watched.folder / ".nmt", 2)
    monkeypatch.setattr("serving.server.directory_watcher.list_versions", None)
    watched.watcher.poll()
