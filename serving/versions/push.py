"""Whether a model goes live, and how it goes back: decided while nobody else publishes."""

from __future__ import annotations

import os
from dataclasses import dataclass

from serving.versions.directory import ModelVersion, fingerprint
from serving.versions.publishing import Clock, OpenDirectory, now, opened
from serving.versions.records import VersionRecord, withdrawn_models
from serving.versions.store import VersionStore


class RollbackError(ValueError):
    """There is nothing to go back to: a sentence that says what there is."""


@dataclass(frozen=True)
class JudgedAgainst:
    """What a candidate was compared with."""

    fingerprint: str | None
    """Of the baseline; None if nothing was live."""


@dataclass(frozen=True)
class PushResult:
    """What came of a push."""

    path: str | None
    """The version's folder; None if the candidate was not pushed."""
    number: int | None
    reason: str
    """A sentence."""
    retired: tuple[int, ...] = ()
    """Versions that were removed because enough newer ones are there."""


def push(
    candidate: str,
    folder: str,
    store: VersionStore,
    *,
    keep: int,
    judged_against: JudgedAgainst | None = None,
    clock: Clock = now,
) -> PushResult:
    """Publishes a model that the gate has passed, unless that would be wrong by now.

    A model that is live already is not pushed again. One that was taken back by a rollback stays
    back: only another rollback makes it live. And where another model went live since the candidate
    was judged, nobody knows whether the candidate is worse than that, so it does not go out.

    Args:
      candidate: the folder of its SavedModel.
      folder: the model directory `models/NAME`.
      store: how to reach both.
      keep: how many of the newest versions stay, at least 2.
      judged_against: what the gate compared it with; None if nobody knows.
      clock: the time, with its zone.

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
    """Why a candidate may not go live, although the gate has passed it; None if it may."""
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
            f"It was judged against another model than is live now ({now_live}); run again, and it "
            "is judged against that."
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

    So every server follows, those that serve the highest number, too, and nothing is lost. The
    models above it that came after it are withdrawn: `push` does not let them out again.

    Args:
      folder: the model directory `models/NAME`.
      store: how to reach it.
      to: the version; by default the one before, which is the highest that is another model than
        the live one and was not taken back itself.
      reason: for the journal.
      clock: the time, with its zone.

    Raises:
      RollbackError: there is no such version, it is broken, or it is live already.
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


def _newer_models(directory: OpenDirectory, target: int, content: str) -> dict[str, int]:
    """The models above a version that came after its own: by fingerprint, their highest version.

    An older one may lie above it too, as what an earlier rollback made live. To go forward from
    that is no reason to take it back.
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
                f"There is no earlier version in {directory.folder} to go back to, but for those "
                "that were taken back themselves; `nmt models list` shows them all."
            )
        return target
    for version in versions:
        if version.number == to and version.complete:
            return version
        if version.number == to:
            raise RollbackError(
                f"Version {to} is broken: {version.problem}. What was live still is."
            )
    known = ", ".join(str(version.number) for version in versions) or "none yet"
    raise RollbackError(f"There is no version {to} in {directory.folder}; versions: {known}.")


def _version_before(directory: OpenDirectory, live: ModelVersion | None) -> ModelVersion | None:
    if live is None:
        return None
    passed_over = {directory.fingerprint(live), *withdrawn_models(directory.records())}
    for version in reversed(directory.versions()):
        if version.complete and directory.fingerprint(version) not in passed_over:
            return version
    return None
