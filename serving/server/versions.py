"""The versions of the model: their states, the loaded models and the leases on them.

The states follow each other as in `tensorflow_serving/apis/get_model_status.proto`: START, LOADING,
AVAILABLE, UNLOADING, END. Each request takes a lease on a version. A retired version stays in
memory until its last lease is released, so no request fails because of a new version.
"""

import enum
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

import grpc

from serving.server.errors import RequestError, invalid, not_found
from serving.server.loaded_model import LoadedModel
from serving.server.requests import Target


class State(enum.IntEnum):
    """The state of a version, with the numbers of `ModelVersionStatus.State`."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True)
class VersionStatus:
    """The status of a version, as reported to clients."""

    number: int
    state: State
    code: grpc.StatusCode = grpc.StatusCode.OK
    problem: str = ""
    """The reason it is not loaded; empty without a problem."""


@dataclass
class _Entry:
    """A loaded version and its leases."""

    model: LoadedModel
    leases: int = 0
    is_retired: bool = False


class Lease:
    """Keeps a version in memory until it is released. A context manager, which releases at exit."""

    def __init__(self, versions: "Versions", entry: _Entry):
        self._versions = versions
        self._entry = entry

    @property
    def model(self) -> LoadedModel:
        """The version."""
        return self._entry.model

    def share(self) -> "Lease":
        """Returns another lease on the same version, even if it was retired meanwhile."""
        return self._versions._take(self._entry)

    def release(self) -> None:
        """Ends the lease; must be called only once."""
        self._versions._release(self._entry)

    def __enter__(self) -> "Lease":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


class Versions:
    """All versions of one model. All methods are thread-safe."""

    def __init__(self, name: str, on_change: Callable[[], None] = lambda: None):
        """Starts without any version.

        Args:
          name: the name of the model.
          on_change: called after each change of a state, in the thread of the change.
        """
        self.name = name
        self._on_change = on_change
        self._lock = threading.Lock()
        self._loaded: dict[int, _Entry] = {}
        self._statuses: dict[int, VersionStatus] = {}
        self._labels: dict[str, int] = {}

    def statuses(self) -> list[VersionStatus]:
        """The statuses of all known versions, ascending."""
        with self._lock:
            return [self._statuses[number] for number in sorted(self._statuses)]

    def available(self) -> list[int]:
        """The available versions, ascending."""
        with self._lock:
            return sorted(self._loaded)

    def set_status(self, status: VersionStatus) -> None:
        """Records the status of a version not yet or no longer available."""
        with self._lock:
            self._statuses[status.number] = status
        self._on_change()

    def drop_status(self, number: int) -> None:
        """Removes a version that was never loaded, after its folder was deleted."""
        with self._lock:
            self._statuses.pop(number, None)
        self._on_change()

    def add(self, model: LoadedModel) -> None:
        """Makes a loaded version available."""
        with self._lock:
            self._loaded[model.number] = _Entry(model)
            self._statuses[model.number] = VersionStatus(model.number, State.AVAILABLE)
        self._on_change()

    def retire(self, number: int) -> None:
        """Takes a version out of service; it is unloaded after its last request."""
        with self._lock:
            entry = self._loaded.pop(number)
            entry.is_retired = True
            self._statuses[number] = VersionStatus(number, State.UNLOADING)
            is_unloaded = self._unload_if_unused(entry)
        if is_unloaded:
            entry.model.close()
        self._on_change()

    def set_labels(self, labels: Mapping[str, int]) -> None:
        """Replaces the labels of the versions.

        Raises:
          RequestError: FAILED_PRECONDITION if one of the versions is not available.
        """
        with self._lock:
            for version in labels.values():
                if version not in self._loaded:
                    raise RequestError(
                        grpc.StatusCode.FAILED_PRECONDITION,
                        f"Request to assign label to version {version} of model {self.name}, "
                        "which is not currently available for inference",
                    )
            self._labels = dict(labels)

    def lease(self, target: Target) -> Lease:
        """Takes a lease on the requested version, by default the highest.

        Raises:
          RequestError: NOT_FOUND if it is not available, INVALID_ARGUMENT for an unknown label.
        """
        with self._lock:
            version = self._version_of(target)
            number = max(self._loaded, default=None) if version is None else version
            entry = self._loaded.get(number) if number is not None else None
            if target.name != self.name or entry is None:
                wanted = (
                    f"Latest({target.name})"
                    if version is None
                    else f"Specific({target.name}, {version})"
                )
                raise not_found(f"Servable not found for request: {wanted}")
            entry.leases += 1
            return Lease(self, entry)

    def statuses_of(self, target: Target) -> list[VersionStatus]:
        """Returns the status of the requested version, by default of all versions.

        Raises:
          RequestError: NOT_FOUND if there is none, INVALID_ARGUMENT for an unknown label.
        """
        with self._lock:
            version = self._version_of(target)
            known = self._statuses if target.name == self.name else {}
            if version is not None and version not in known:
                raise not_found(f"Could not find version {version} of model {target.name}")
            if not known:
                raise not_found(f"Could not find any versions of model {target.name}")
            return [known[number] for number in sorted(known) if version in (None, number)]

    def _version_of(self, target: Target) -> int | None:
        if target.label is None:
            return target.version
        if target.name != self.name or target.label not in self._labels:
            raise invalid(f"Unrecognized servable version label: {target.label}")
        return self._labels[target.label]

    def _take(self, entry: _Entry) -> Lease:
        with self._lock:
            entry.leases += 1
        return Lease(self, entry)

    def _release(self, entry: _Entry) -> None:
        with self._lock:
            entry.leases -= 1
            is_unloaded = self._unload_if_unused(entry)
        if is_unloaded:
            entry.model.close()
            self._on_change()

    def _unload_if_unused(self, entry: _Entry) -> bool:
        """Marks a retired version without leases as ended; returns whether to free its memory."""
        is_unused = entry.is_retired and entry.leases == 0
        # If the same version is being loaded again, its new status stays.
        if is_unused and self._statuses[entry.model.number].state is State.UNLOADING:
            self._statuses[entry.model.number] = VersionStatus(entry.model.number, State.END)
        return is_unused
