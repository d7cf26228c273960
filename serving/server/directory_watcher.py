"""Keeps the versions that are loaded in step with the model's folder, in a thread of its own.

A version is loaded once its SavedModel is complete and nothing in its folder has changed for a
moment, since it may be copied file by file. One that cannot be loaded is tried again when its files
change; until then the next best takes its place, or what is served stays served. Versions are
retired only after those that replace them are available, and a moment later: to free them holds
Python's lock, for which the first requests to the new ones would wait.
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
"""Is told, in sentences, what happens."""


@dataclass(frozen=True)
class _Snapshot:
    """The files below a version's folder, without a look into them."""

    files: frozenset[tuple[str, int, int]]
    """Path, size, and when it last changed, in nanoseconds."""
    changed_at: float
    """When anything last changed, in seconds since 1970. That of the inode (`st_ctime`): a copy may
    come with the time of its original."""


class DirectoryWatcher:
    """Loads and retires versions as they come and go."""

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
          versions: what is kept in step.
          load: how a version is loaded.
          poll_seconds: how often to look.
          settle_seconds: how long a folder must have been left alone.
          linger_seconds: how long versions stay once others have taken their place.
          policy: which versions are wanted, until `set_policy`; by default the highest.
          report: is told of versions that were loaded, retired, or failed.
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
        """Whether the last poll found nothing that may still be on its way."""
        return self._is_settled

    def start(self) -> None:
        """Polls from now on."""
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """Polls no more, and waits for a version that is being loaded.

        Returns:
          Whether the thread ended within `seconds`.
        """
        self._stopped.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def check_policy(self, policy: VersionPolicy) -> None:
        """Checks that the versions which a policy names are there.

        Raises:
          RequestError: NOT_FOUND, one is not in the folder.
        """
        present = {version.number for version in list_versions(self._folder)}
        for number in sorted(policy.specific - present):
            raise not_found(f"There is no version {number} in {self._folder}.")

    def set_policy(self, policy: VersionPolicy) -> None:
        """Changes which versions are wanted, and returns when they are loaded or have failed."""
        with self._polling:
            self._policy = policy
            self._look(force=True)

    def poll(self) -> None:
        """Looks once at the folder and loads and retires what it calls for."""
        with self._polling:
            self._look(force=False)

    def _watch(self) -> None:
        complaint = ""
        while not self._stopped.wait(self._poll_seconds):
            try:
                self.poll()
            except Exception as error:  # the folder may be renamed or unmounted at any moment
                self._snapshots = None
                if str(error) != complaint:
                    self._report(f"{self._folder} cannot be looked at: {error}.")
                complaint = str(error)

    def _look(self, *, force: bool) -> None:
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
        self._tell_who_is_coming(found, set(found) - failed, loaded | ready)
        self._bring_in_step(found, loaded & set(found), ready)

    def _bring_in_step(
        self, found: Mapping[int, ModelVersion], loaded: set[int], ready: set[int]
    ) -> None:
        """Loads what is wanted of the versions that are ready, and then retires the others."""
        has_loaded = False
        while not self._stopped.is_set():
            wanted = self._policy.choose(loaded | ready)
            missing = wanted - loaded
            if not missing:
                # With nothing to take their place, versions whose folder is gone are kept.
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
        except Exception as error:  # whatever is wrong with one version, the others are served
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
            # A loaded graph refers to itself, and the next full collection may be hours away.
            gc.collect()

    def _tell_who_is_coming(
        self, found: Mapping[int, ModelVersion], possible: set[int], usable: set[int]
    ) -> None:
        """Records the versions that will be wanted once they are complete, and why they wait."""
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
        """Whether it could not be loaded, and is still the same."""
        return self._failed.get(version.number) == self._snapshot_of(version)

    def _is_moving(self, version: ModelVersion) -> bool:
        """Whether it may still be on its way."""
        age = time.time() - self._snapshot_of(version).changed_at
        return 0 <= age < self._settle_seconds


_NOTHING = _Snapshot(frozenset(), 0.0)


def _take_snapshots(folder: str) -> dict[str, _Snapshot]:
    """Takes one of each folder in a model directory, by its name."""
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
            except FileNotFoundError:  # moved away in this very moment
                continue
            files.append((path, found.st_size, found.st_ctime_ns))
            changed_at = max(changed_at, found.st_ctime)
    return _Snapshot(frozenset(files), changed_at)
