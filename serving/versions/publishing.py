"""Publishes a version atomically, despite other publishers and failures.

A version is copied into our own folder beside the versions, which servers ignore. It is compared
with its original, and moved to its number by one rename, so a watching server never sees a part of
it. The publisher holds a lock and first announces the version in the journal. A process that dies
leaves at most an unused copy, removed by the next publisher.

An object store has neither renames of folders nor locks. There the files are copied to their final
place, with `saved_model.pb` last, since a version is not loaded without it. Each publisher claims
its number with a separate object, and takes another number if it sees another claim. Deciding and
publishing are not one atomic step there: of two runs ending at the same moment both may push, under
different numbers, and each version is complete.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from serving.contract import layout
from serving.versions.directory import (
    OWN_FOLDER,
    ModelVersion,
    checksums,
    files_below,
    fingerprint,
    fingerprint_of,
    list_versions,
    version_at,
)
from serving.versions.records import VersionRecord, read_records, who, write_record
from serving.versions.store import VersionStore

LOGGER = logging.getLogger(__name__)
LARGEST_VERSION = 10**18 - 1
"""TensorFlow Serving uses signed 64-bit integers; every number of 18 digits fits."""

_LOCK = "lock"
_CLAIMS = "claims"
_STAGING = "staging-"
_REMOVED = "removed-"
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

Clock = Callable[[], datetime]


class PublishingError(Exception):
    """Nothing was published and the live version is unchanged; the message gives the reason."""


def now() -> datetime:
    """Returns the time in UTC."""
    return datetime.now(UTC)


@contextlib.contextmanager
def opened(folder: str, store: VersionStore, clock: Clock = now) -> Iterator[OpenDirectory]:
    """Opens a model directory for publishing, and removes the remains of unfinished pushes.

    Args:
      folder: the model directory `models/NAME`, created if it is missing.
      store: its file system.
      clock: returns the time with its zone.
    """
    directory = OpenDirectory(folder, store, clock)
    with contextlib.ExitStack() as stack:
        with _explained(folder):
            store.make_folder(os.path.join(folder, OWN_FOLDER))
            stack.enter_context(store.lock(os.path.join(folder, OWN_FOLDER, _LOCK)))
            directory.tidy()
        yield directory


@dataclass(frozen=True)
class OpenDirectory:
    """A model directory, locked against other publishers."""

    folder: str
    store: VersionStore
    clock: Clock

    def versions(self) -> list[ModelVersion]:
        """Returns all versions, ascending."""
        return list_versions(self.folder, self.store)

    def live(self) -> ModelVersion | None:
        """Returns the live version; None if there is none."""
        return next((each for each in reversed(self.versions()) if each.complete), None)

    def records(self) -> list[VersionRecord]:
        """Returns the journal."""
        return read_records(self.folder, self.store)

    def fingerprint(self, version: ModelVersion) -> str:
        """Returns the fingerprint of a version's content."""
        return fingerprint(version.path, self.store)

    def publish(self, source: str, *, link: bool = False, **about: Any) -> VersionRecord:
        """Publishes a copy of a SavedModel under a new number, higher than all earlier ones.

        Args:
          source: its folder.
          link: whether to create hard links instead of copies, if possible: these take no disk
            space and no time.
          about: fields of the record, besides the number, the time and the author.

        Raises:
          PublishingError: it could not be written, or its original changed meanwhile.
        """
        with _explained(self.folder):
            files = checksums(source, self.store)
            content, about = fingerprint_of(files), about | {"files": files}
            if self.store.moves_whole_folders:
                return self._publish_by_rename(source, content, link, about)
            return self._publish_in_place(source, content, about)

    def retire(self, keep: int) -> list[int]:
        """Removes old versions, and returns their numbers.

        Only versions recorded in the journal are ever removed. It keeps the `keep` newest versions,
        the live one, and for each rollback still present the versions it restored and replaced.
        """
        complete = [version for version in self.versions() if version.complete]
        if not complete:
            return []
        present = {version.number for version in self.versions()}
        kept = {version.number for version in complete[-keep:]}
        records = self.records()
        for record in records:
            if record.action == "rollback" and record.version in present:
                kept |= {each for each in (record.restored, record.replaced) if each is not None}
        removed = []
        for record in records:
            number = record.version
            if not record.happened or number not in present - kept or number > max(kept):
                continue
            try:
                write_record(
                    self.folder, record.model_copy(update={"state": "retired"}), self.store
                )
                self._discard(self._path(number))
            except OSError as error:
                LOGGER.warning("Version %d could not be removed: %s.", number, error)
            else:
                removed.append(number)
        return removed

    def discard(self, version: ModelVersion) -> None:
        """Removes a version; its record, if there is one, says so.

        Raises:
          PublishingError: it could not be removed.
        """
        with _explained(self.folder):
            for record in self.records():
                if record.version == version.number:
                    retired = record.model_copy(update={"state": "retired"})
                    write_record(self.folder, retired, self.store)
            self._discard(version.path)

    def tidy(self) -> None:
        """Removes the remains of unfinished pushes."""
        own = os.path.join(self.folder, OWN_FOLDER)
        if self.store.moves_whole_folders:
            for name in self.store.list_names(own):
                if name.startswith((_STAGING, _REMOVED)):
                    self._discard(os.path.join(own, name))
        for record in self.records():
            age = abs((self.clock() - record.time).total_seconds())
            if record.state == "pending" and age >= self.store.abandoned_after_seconds:
                self._settle(record)

    def _settle(self, record: VersionRecord) -> None:
        """Decides whether an announced version was published or abandoned, and records it."""
        path = self._path(record.version)
        is_there = self.store.is_folder(path)
        is_whole = is_there and fingerprint(path, self.store) == record.fingerprint
        if is_there and not is_whole and not self.store.moves_whole_folders:
            self.store.remove(path)
        state = "published" if is_whole else "abandoned"
        LOGGER.info("version %d was announced and never confirmed: %s", record.version, state)
        write_record(self.folder, record.model_copy(update={"state": state}), self.store)

    def _publish_by_rename(
        self, source: str, content: str, link: bool, about: dict[str, Any]
    ) -> VersionRecord:
        staging = os.path.join(self.folder, OWN_FOLDER, f"{_STAGING}{uuid.uuid4().hex}")
        try:
            self._copy(source, staging, content, link=link)
            while True:
                record = self._announce(self._next_number(), content, about)
                try:
                    self.store.move(staging, self._path(record.version))
                    return self._confirm(record)
                except FileExistsError:
                    # Possible only without working locks: another publisher was faster.
                    self._confirm(record, "abandoned")
        except BaseException:
            with contextlib.suppress(OSError):
                self.store.remove(staging)
            raise

    def _publish_in_place(self, source: str, content: str, about: dict[str, Any]) -> VersionRecord:
        number, claim = self._claimed_number()
        record = self._announce(number, content, about)
        # From here on the record reserves the number.
        self.store.remove(claim)
        path = self._path(record.version)
        try:
            self._copy(source, path, content)
        except BaseException:
            with contextlib.suppress(Exception):
                self.store.remove(path)
                self._confirm(record, "abandoned")
            raise
        return self._confirm(record)

    def _copy(self, source: str, destination: str, content: str, *, link: bool = False) -> None:
        """Copies a SavedModel, with `saved_model.pb` last, and checks the copy."""
        names = sorted(files_below(source, self.store), key=lambda name: name == layout.SAVED_MODEL)
        folders = {os.path.dirname(os.path.join(destination, name)) for name in names}
        for folder in sorted({destination, *folders}):
            self.store.make_folder(folder)
        for name in names:
            self.store.copy(os.path.join(source, name), os.path.join(destination, name), link=link)
        for folder in sorted(folders, reverse=True):
            self.store.settle(folder)
        problem = version_at(destination, 0, self.store).problem
        if problem is not None:
            raise PublishingError(f"{source} cannot be served: {problem}. Nothing was published.")
        if fingerprint(destination, self.store) != content:
            raise PublishingError(
                f"The copy of {source} differs from the original; nothing was published and the "
                "live version is unchanged. Run again; if it happens twice, check the disk."
            )

    def _highest(self) -> int:
        """Returns the highest number ever used; 0 if there is none."""
        taken = [version.number for version in self.versions()]
        return max([*taken, *(record.version for record in self.records())], default=0)

    def _next_number(self, above: int = 0) -> int:
        """Returns the time in seconds, or a larger number if needed to exceed all earlier ones."""
        highest = max(above, self._highest())
        number = max(int(self.clock().timestamp()), highest + 1)
        if number > LARGEST_VERSION:
            raise PublishingError(
                f"There is no number above version {highest} in {self.folder} that a server would "
                "read: remove that version."
            )
        return number

    def _claimed_number(self) -> tuple[int, str]:
        """Returns a number used by no other publisher, and the path of its claim, without locks.

        Each publisher writes its claim and then lists all claims. If two claim the same number, the
        later one sees the earlier claim, since object stores list everything written before, and
        takes another number. If each sees the other's claim, both take another number.
        """
        place = os.path.join(self.folder, OWN_FOLDER, _CLAIMS)
        self.store.make_folder(place)
        number = self._next_number()
        while True:
            mine = f"{number}-{uuid.uuid4().hex}"
            claim = os.path.join(place, mine)
            self.store.write(claim, who().encode())
            claimed = {
                name: int(name.partition("-")[0])
                for name in self.store.list_names(place)
                if name != mine and name.partition("-")[0].isdecimal()
            }
            if number not in claimed.values() and number > self._highest():
                return number, claim
            self.store.remove(claim)
            number = self._next_number(above=max([number, *claimed.values()]) + random.randrange(9))

    def _announce(self, number: int, content: str, about: dict[str, Any]) -> VersionRecord:
        record = VersionRecord(
            version=number,
            state="pending",
            time=self.clock(),
            by=who(),
            fingerprint=content,
            **about,
        )
        write_record(self.folder, record, self.store)
        return record

    def _confirm(self, record: VersionRecord, state: str = "published") -> VersionRecord:
        settled = record.model_copy(update={"state": state})
        try:
            write_record(self.folder, settled, self.store)
        except OSError as error:
            # The next publisher finds the version's state from its folder.
            LOGGER.warning("The record of version %d stays pending: %s.", record.version, error)
        return settled

    def _discard(self, path: str) -> None:
        """Removes a folder atomically: neither a server nor its publisher, admitted by a failing
        lock, sees a part of it."""
        if self.store.moves_whole_folders:
            aside = os.path.join(self.folder, OWN_FOLDER, f"{_REMOVED}{uuid.uuid4().hex}")
            self.store.move(path, aside)
            path = aside
        else:
            self.store.remove(os.path.join(path, layout.SAVED_MODEL))
        self.store.remove(path)

    def _path(self, number: int) -> str:
        return os.path.join(self.folder, str(number))


@contextlib.contextmanager
def _explained(folder: str) -> Iterator[None]:
    """Converts an error of the file system to a `PublishingError`."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise PublishingError(
                f"The disk is full: no version could be written to {folder}, the partial copy was "
                "removed, and the live version is unchanged. Free some space and run again."
            ) from error
        raise PublishingError(
            f"No version could be written to {folder} ({error.strerror or error}); the live "
            "version is unchanged."
        ) from error
