"""Publishing a version: all at once or not at all, whoever else publishes and whatever breaks.

A version is copied into our own folder beside the versions, where no server looks, compared with
its original, and moved to its number by one rename. So a server that watches never sees half of it.
Whoever publishes holds a lock, and announces the version in the journal first: a process that dies
leaves at most a copy that nobody looks at, which the next one clears away.

An object store has no folder to rename and no lock. There the files are copied to their place with
`saved_model.pb` last, since without it nothing is loaded; each publisher claims its number with an
object of its own, and gives way where it sees another's. What that cannot do is decide and publish
in one step: of two runs that end within the same moment both may push, under different numbers,
each version whole.
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
    files_below,
    fingerprint,
    list_versions,
    version_at,
)
from serving.versions.records import VersionRecord, read_records, who, write_record
from serving.versions.store import VersionStore

LOGGER = logging.getLogger(__name__)
LARGEST_VERSION = 10**18 - 1
"""TensorFlow Serving counts in 64 bits with a sign, and all names of so many digits fit."""

_LOCK = "lock"
_CLAIMS = "claims"
_STAGING = "staging-"
_REMOVED = "removed-"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

Clock = Callable[[], datetime]


class PublishingError(Exception):
    """Nothing was published, what was live still is: a sentence that says why."""


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@contextlib.contextmanager
def opened(folder: str, store: VersionStore, clock: Clock = now) -> Iterator[OpenDirectory]:
    """Opens a model directory for publishing, and clears away what an unfinished push left there.

    Args:
      folder: the model directory `models/NAME`, which is made if it is missing.
      store: how to reach it.
      clock: the time, with its zone.
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
    """A model directory while nobody else publishes there."""

    folder: str
    store: VersionStore
    clock: Clock

    def versions(self) -> list[ModelVersion]:
        """All versions, ascending."""
        return list_versions(self.folder, self.store)

    def live(self) -> ModelVersion | None:
        """What a server serves."""
        return next((each for each in reversed(self.versions()) if each.complete), None)

    def records(self) -> list[VersionRecord]:
        """The journal."""
        return read_records(self.folder, self.store)

    def fingerprint(self, version: ModelVersion) -> str:
        """Of a version's content."""
        return fingerprint(version.path, self.store)

    def publish(self, source: str, *, link: bool = False, **about: Any) -> VersionRecord:
        """Publishes a copy of a SavedModel under a new number, higher than all that ever were.

        Args:
          source: its folder.
          link: whether to give its files second names instead, where that is possible: takes no
            room and no time.
          about: what the record says of it, beside the number, the time and by whom.

        Raises:
          PublishingError: it could not be written, or its original changed meanwhile.
        """
        with _explained(self.folder):
            content = fingerprint(source, self.store)
            if self.store.moves_whole_folders:
                return self._publish_by_rename(source, content, link, about)
            return self._publish_in_place(source, content, about)

    def retire(self, keep: int) -> list[int]:
        """Removes versions that are no longer wanted, and returns their numbers.

        Only versions that were published here, by the journal, are ever removed. Kept are the
        `keep` newest, the live one, and for each rollback that is still there what it restored and
        what it replaced.
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

    def tidy(self) -> None:
        """Clears away what a publisher left that did not come to its end."""
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
        """Finds out what became of a version that was announced."""
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
                    # Only where locks do not work: somebody else was faster.
                    self._confirm(record, "abandoned")
        except BaseException:
            with contextlib.suppress(OSError):
                self.store.remove(staging)
            raise

    def _publish_in_place(self, source: str, content: str, about: dict[str, Any]) -> VersionRecord:
        number, claim = self._claimed_number()
        record = self._announce(number, content, about)
        # From here on the record holds the number.
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
        """Copies a SavedModel, the file without which nothing is loaded last, and checks it."""
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
                f"The copy of {source} is not what was copied; nothing was published and what was "
                "live still is. Run again; if it happens twice, check the disk."
            )

    def _highest(self) -> int:
        """The highest number that is or ever was taken; 0 if none was."""
        taken = [version.number for version in self.versions()]
        return max([*taken, *(record.version for record in self.records())], default=0)

    def _next_number(self, above: int = 0) -> int:
        """By the clock, and in any case higher than every version that is or was there."""
        highest = max(above, self._highest())
        number = max(int(self.clock().timestamp()), highest + 1)
        if number > LARGEST_VERSION:
            raise PublishingError(
                f"There is no number above version {highest} in {self.folder} that a server would "
                "read: remove that version."
            )
        return number

    def _claimed_number(self) -> tuple[int, str]:
        """A number that nobody else publishes under, where there are no locks; and its claim.

        Each writes its claim and then looks: of two who claim the same number, the one who wrote
        later sees the other's claim (object stores list what was written before), and goes on to
        another number. If both see each other, both do.
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
            # What became of it is seen in the folder, by the next publisher at the latest.
            LOGGER.warning("The record of version %d stays pending: %s.", record.version, error)
        return settled

    def _discard(self, path: str) -> None:
        """Removes a folder, of which nobody ever sees a half either: no server, and no publisher
        to whom it belongs and whom locks that do not work let in."""
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
    """Turns an error of the file system into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise PublishingError(
                f"The disk is full: no version could be written to {folder}, nothing half-written "
                "was kept, and what was live still is. Free some space and run again."
            ) from error
        raise PublishingError(
            f"No version could be written to {folder} ({error.strerror or error}); what was live "
            "still is."
        ) from error
