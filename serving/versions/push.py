"""Decides on pushes and rollbacks, and makes them, while other publishers are locked out."""

from __future__ import annotations

import os
from dataclasses import dataclass

from serving.versions.directory import ModelVersion, fingerprint
from serving.versions.integrity import damage
from serving.versions.publishing import Clock, OpenDirectory, now, opened
from serving.versions.records import VersionRecord, withdrawn_models
from serving.versions.store import VersionStore


class RollbackError(ValueError):
    """A rollback is not possible; the message gives the reason and the existing versions."""


@dataclass(frozen=True)
class JudgedAgainst:
    """The baseline of a candidate's evaluation."""

    fingerprint: str | None
    """The fingerprint of the baseline; None if no model was live."""


@dataclass(frozen=True)
class PushResult:
    """The result of a push."""

    path: str | None
    """The version's folder; None if the candidate was not pushed."""
    number: int | None
    reason: str
    """The reason in a sentence, for a candidate pushed or not pushed."""
    retired: tuple[int, ...] = ()
    """Versions removed in favour of newer ones."""


def push(
    candidate: str,
    folder: str,
    store: VersionStore,
    *,
    keep: int,
    judged_against: JudgedAgainst | None = None,
    clock: Clock = now,
) -> PushResult:
    """Publishes a model passed by the gate, unless the situation has changed since.

    A live model is not pushed again. A model withdrawn by a rollback is not pushed; only another
    rollback makes it live. If another model went live since the evaluation, the candidate is not
    pushed: it may be worse than the new live model.

    Args:
      candidate: the folder of its SavedModel.
      folder: the model directory `models/NAME`.
      store: the file system of both.
      keep: number of the newest versions to keep, at least 2.
      judged_against: the baseline of the gate; None if it is unknown.
      clock: returns the time with its zone.

    Raises:
      PublishingError: it could not be written.
    """
    content = fingerprint(candidate, store)
    with opened(folder, store, clock) as directory:
        live = directory.live()
        live_content = directory.fingerprint(live) if live else None
        if live and live_content == content:
            return PushResult(live.path, live.number, f"It is live already, as {live.number}.")
        obstacle = _obstacle(directory, content, live, live_content, judged_against)
        if obstacle is not None:
            return PushResult(None, None, obstacle)
        record = directory.publish(candidate, action="push", replaced=live.number if live else None)
        retired = tuple(directory.retire(keep))
    path = os.path.join(folder, str(record.version))
    return PushResult(path, record.version, f"It was pushed as {record.version}.", retired)


def _obstacle(
    directory: OpenDirectory,
    content: str,
    live: ModelVersion | None,
    live_content: str | None,
    judged_against: JudgedAgainst | None,
) -> str | None:
    """Returns the reason not to push a candidate passed by the gate; None if there is none."""
    rollback = withdrawn_models(directory.records()).get(content)
    if rollback is not None:
        number = rollback.withdrawn[content]
        why = f": {rollback.reason}" if rollback.reason else ""
        return (
            f"This model was live as version {number} and was taken back by {rollback.by} on "
            f"{rollback.time:%Y-%m-%d}{why}. `nmt models rollback {number}` makes it live again."
        )
    if judged_against is not None and live_content != judged_against.fingerprint:
        now_live = f"version {live.number}" if live else "nothing"
        return (
            f"It was compared with another model than is live now ({now_live}); run again to "
            "compare it with that."
        )
    return None


def roll_back(
    folder: str,
    store: VersionStore,
    *,
    to: int | None = None,
    reason: str | None = None,
    clock: Clock = now,
) -> VersionRecord:
    """Makes an earlier version live again, as a copy of it under a new, highest number.

    Even servers set to load the highest number follow, and no version is lost. The newer models
    above it are withdrawn: `push` rejects them from then on.

    Args:
      folder: the model directory `models/NAME`.
      store: its file system.
      to: the version; by default the previous one, the highest with another model than the live one
        and not withdrawn itself.
      reason: for the journal.
      clock: returns the time with its zone.

    Raises:
      RollbackError: the version does not exist, is incomplete, or is already live.
      PublishingError: it could not be written.
    """
    with opened(folder, store, clock) as directory:
        live = directory.live()
        target = _target(directory, to, live)
        content = directory.fingerprint(target)
        if live is not None and content == directory.fingerprint(live):
            same = (
                "is live already"
                if target == live
                else f"is the same model as {live.number}, which is live"
            )
            raise RollbackError(f"Version {target.number} {same}; nothing was changed.")
        return directory.publish(
            target.path,
            link=True,
            action="rollback",
            restored=target.number,
            replaced=live.number if live else None,
            withdrawn=_newer_models(directory, target.number, content),
            reason=reason,
        )


def discard(folder: str, store: VersionStore, number: int, *, clock: Clock = now) -> str:
    """Removes a damaged version, so that the one before it is live and the next run's baseline.

    Args:
      folder: the model directory `models/NAME`.
      store: its file system.
      number: the version.
      clock: returns the time with its zone.

    Returns:
      The damage.

    Raises:
      RollbackError: the version does not exist, or is undamaged.
      PublishingError: it could not be removed.
    """
    with opened(folder, store, clock) as directory:
        for version in directory.versions():
            if version.number != number:
                continue
            problem = version.problem or damage(version.path, store)
            if problem is None:
                raise RollbackError(
                    f"Version {number} is as it was pushed, and was not removed: `nmt models "
                    "rollback` goes back to an earlier one."
                )
            directory.discard(version)
            return problem
        raise RollbackError(f"There is no version {number} in {folder}.")


def _newer_models(directory: OpenDirectory, target: int, content: str) -> dict[str, int]:
    """Returns the newer models above a version: their highest version, by fingerprint.

    A model is newer if its first version is. An older model may have a version above the target
    too, as the copy of an earlier rollback; it is not withdrawn.
    """
    present = [version for version in directory.versions() if version.complete]
    served = [(version.number, directory.fingerprint(version)) for version in present]
    recorded = [(each.version, each.fingerprint) for each in directory.records() if each.happened]
    came: dict[str, int] = {}
    for number, fingerprint_of in sorted([*served, *recorded], reverse=True):
        came[fingerprint_of] = number
    return {
        found: number for number, found in served if number > target and came[found] > came[content]
    }


def _target(directory: OpenDirectory, to: int | None, live: ModelVersion | None) -> ModelVersion:
    versions = directory.versions()
    if to is None:
        target = _version_before(directory, live)
        if target is None:
            raise RollbackError(
                f"There is no earlier version in {directory.folder} to go back to, except those "
                "taken back by a rollback; `nmt models list` shows them all."
            )
        return target
    for version in versions:
        if version.number == to:
            problem = version.problem or damage(version.path, directory.store)
            if problem is None:
                return version
            raise RollbackError(
                f"Version {to} is broken: {problem}. The live version is unchanged."
            )
    known = ", ".join(str(version.number) for version in versions) or "none yet"
    raise RollbackError(f"There is no version {to} in {directory.folder}; versions: {known}.")


def _version_before(directory: OpenDirectory, live: ModelVersion | None) -> ModelVersion | None:
    if live is None:
        return None
    passed_over = {directory.fingerprint(live), *withdrawn_models(directory.records())}
    for version in reversed(directory.versions()):
        if not version.complete or directory.fingerprint(version) in passed_over:
            continue
        if damage(version.path, directory.store) is None:
            return version
    return None
