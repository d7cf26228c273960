"""Loads and retires versions when the model's folder changes, in a separate thread.

A version may be copied file by file. It is loaded once its SavedModel is complete and its folder
has not changed for a moment. A version that failed to load is tried again when its files change;
until then the next lower version replaces it, or the served versions stay.

Versions are retired a moment after their replacements are available. Freeing a version holds
Python's global lock, and the first requests to the new versions would wait for it.
"""

import gc
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import grpc

from serving.server.errors import not_found
from serving.server.loaded_model import LoadedModel
from serving.server.version_policy import VersionPolicy
from serving.server.versions import State, Versions, VersionStatus
from serving.versions.directory import OWN_FOLDER, ModelVersion, list_versions

Load = Callable[[str, int], LoadedModel]
"""Loads a version from its folder; raises ModelLoadError."""
Report = Callable[[str], None]
"""Receives messages about events, in sentences."""


@dataclass(frozen=True)
class _Snapshot:
    """The files below a version's folder, without their contents."""

    files: frozenset[tuple[str, int, int]]
    """Path, size, and time of the last change in nanoseconds."""
    changed_at: float
    """Time of the last change of any file, in seconds since 1970. It is the inode's (`st_ctime`),
    since a copy may keep the modification time of its original."""


class DirectoryWatcher:
    """Loads new versions and retires old ones."""

    def __init__(
        self,
        folder: str,
        versions: Versions,
        load: Load,
        *,
        poll_seconds: float,
        settle_seconds: float,
        linger_seconds: float = 0.0,
        policy: VersionPolicy | None = None,
        report: Report = lambda sentence: None,
    ):
        """Does nothing until `poll` or `start` is called.

        Args:
          folder: the model directory, with one numbered folder per version.
          versions: the versions to update.
          load: loads a version.
          poll_seconds: time between two checks of the folder.
          settle_seconds: how long a version's folder must be unchanged before it is loaded.
          linger_seconds: how long versions stay in memory after their replacements are available.
          policy: the versions to load, until `set_policy`; by default the highest.
          report: receives a message when a version is loaded, retired or fails.
        """
        self._folder = folder
        self._versions = versions
        self._load = load
        self._poll_seconds = poll_seconds
        self._settle_seconds = settle_seconds
        self._linger_seconds = linger_seconds
        self._report = report
        self._policy = policy or VersionPolicy()
        self._polling = threading.Lock()
        self._stopped = threading.Event()
        self._snapshots: Mapping[str, _Snapshot] | None = None
        self._failed: dict[int, _Snapshot] = {}
        self._is_settled = True
        self._thread = threading.Thread(target=self._watch, name="versions", daemon=True)

    @property
    def is_settled(self) -> bool:
        """Whether the last poll found no new version that may still be copied."""
        return self._is_settled

    def start(self) -> None:
        """Starts the thread, which polls the folder."""
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """Stops polling, and waits for a load in progress.

        Returns:
          Whether the thread ended within `seconds`.
        """
        self._stopped.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def check_policy(self, policy: VersionPolicy) -> None:
        """Checks if the versions named by a policy exist.

        Raises:
          RequestError: NOT_FOUND if one is not in the folder.
        """
        present = {version.number for version in list_versions(self._folder)}
        for number in sorted(policy.specific - present):
            raise not_found(f"There is no version {number} in {self._folder}.")

    def set_policy(self, policy: VersionPolicy) -> None:
        """Changes the policy, and returns when its versions are loaded or have failed."""
        with self._polling:
            self._policy = policy
            self._update(force=True)

    def poll(self) -> None:
        """Reads the folder once, and loads and retires versions accordingly."""
        with self._polling:
            self._update(force=False)

    def _watch(self) -> None:
        complaint = ""
        while not self._stopped.wait(self._poll_seconds):
            try:
                self.poll()
            except Exception as error:  # the folder may be renamed or unmounted at any moment
                self._snapshots = None
                if str(error) != complaint:
                    self._report(f"{self._folder} cannot be read: {error}.")
                complaint = str(error)

    def _update(self, *, force: bool) -> None:
        snapshots = _take_snapshots(self._folder)
        if snapshots == self._snapshots and self._is_settled and not force:
            return
        self._snapshots = snapshots
        found = {version.number: version for version in list_versions(self._folder)}
        loaded = set(self._versions.available())
        failed = {number for number, version in found.items() if self._has_failed(version)}
        moving = {number for number, version in found.items() if self._is_moving(version)}
        ready = {
            number
            for number, version in found.items()
            if version.complete and number not in failed | moving
        }
        self._is_settled = not moving - loaded
        self._record_pending(found, set(found) - failed, loaded | ready)
        self._load_and_retire(found, loaded & set(found), ready)

    def _load_and_retire(
        self, found: Mapping[int, ModelVersion], loaded: set[int], ready: set[int]
    ) -> None:
        """Loads the ready versions chosen by the policy, and then retires the others."""
        has_loaded = False
        while not self._stopped.is_set():
            wanted = self._policy.choose(loaded | ready)
            missing = wanted - loaded
            if not missing:
                # Without a replacement, versions are kept even if their folder was deleted.
                unwanted = set(self._versions.available()) - wanted if wanted else set()
                if unwanted and has_loaded:
                    self._stopped.wait(self._linger_seconds)
                self._retire(unwanted)
                return
            number = max(missing)
            if self._load_version(found[number]):
                has_loaded = True
                loaded.add(number)
            ready.discard(number)

    def _load_version(self, version: ModelVersion) -> bool:
        number, name = version.number, self._versions.name
        self._versions.set_status(VersionStatus(number, State.LOADING))
        try:
            self._versions.add(self._load(version.path, number))
        except Exception as error:  # of any kind: one bad version must not stop the others
            problem = str(error) or type(error).__name__
            self._failed[number] = self._snapshot_of(version)
            self._versions.set_status(
                VersionStatus(number, State.END, grpc.StatusCode.UNKNOWN, problem)
            )
            self._report(f"{name}: version {number} cannot be loaded: {problem}")
            return False
        self._report(f"{name}: version {number} is served.")
        return True

    def _retire(self, numbers: set[int]) -> None:
        for number in sorted(numbers):
            self._versions.retire(number)
            self._report(f"{self._versions.name}: version {number} is retired.")
        if numbers:
            # A loaded graph is a reference cycle, and the next full collection may be hours away.
            gc.collect()

    def _record_pending(
        self, found: Mapping[int, ModelVersion], possible: set[int], usable: set[int]
    ) -> None:
        """Records the versions to be loaded once they are complete, each with its reason to wait.

        Args:
          found: the versions in the folder, by number.
          possible: those without a failed load.
          usable: those loaded or ready to be loaded.
        """
        for status in self._versions.statuses():
            is_unloaded = status.state is State.START or status.problem
            if is_unloaded and status.number not in found:
                self._failed.pop(status.number, None)
                self._versions.drop_status(status.number)
        for number in self._policy.choose(possible) - usable:
            problem = found[number].problem or "its files have just changed"
            self._versions.set_status(
                VersionStatus(number, State.START, grpc.StatusCode.UNAVAILABLE, problem)
            )

    def _snapshot_of(self, version: ModelVersion) -> _Snapshot:
        assert self._snapshots is not None
        return self._snapshots.get(os.path.basename(version.path), _NOTHING)

    def _has_failed(self, version: ModelVersion) -> bool:
        """Whether the version failed to load and its files have not changed since."""
        return self._failed.get(version.number) == self._snapshot_of(version)

    def _is_moving(self, version: ModelVersion) -> bool:
        """Whether the version changed recently, so it may still be copied."""
        age = time.time() - self._snapshot_of(version).changed_at
        return 0 <= age < self._settle_seconds


_NOTHING = _Snapshot(frozenset(), 0.0)


def _take_snapshots(folder: str) -> dict[str, _Snapshot]:
    """Returns a snapshot of each folder in a model directory, by name."""
    if not os.path.isdir(folder):
        return {}
    with os.scandir(folder) as entries:
        folders = [entry for entry in entries if entry.is_dir() and entry.name != OWN_FOLDER]
        return {entry.name: _take_snapshot(entry.path) for entry in folders}


def _take_snapshot(folder: str) -> _Snapshot:
    files = []
    changed_at = 0.0
    for place, _, names in os.walk(folder):
        for path in (place, *(os.path.join(place, name) for name in names)):
            try:
                found = os.stat(path)
            except FileNotFoundError:  # moved or deleted since it was listed
                continue
            files.append((path, found.st_size, found.st_ctime_ns))
            changed_at = max(changed_at, found.st_ctime)
    return _Snapshot(frozenset(files), changed_at)
