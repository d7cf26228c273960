"""Compares a version with the record of its push, before it is loaded.

A version without a record, for instance one copied by hand, cannot be compared. The check reads
every file: 0.1 seconds for an export of 27 MB.
"""

from __future__ import annotations

import os

from serving.versions.directory import LOCAL, FileSystem, checksums, fingerprint_of
from serving.versions.records import DamagedRecordError, read_record, record_path


class DamagedVersionError(ValueError):
    """A version is not what was pushed; the message names the file and a remedy."""


def damage(version_folder: str | os.PathLike[str], filesystem: FileSystem = LOCAL) -> str | None:
    """Returns how a version differs from its push; None if it does not, or has no record.

    Args:
      version_folder: the folder of its SavedModel, `models/NAME/VERSION`.
      filesystem: its file system.
    """
    path = os.fspath(version_folder).rstrip("/")
    folder, name = os.path.split(path)
    if not name.isdecimal():
        return None
    number = int(name)
    try:
        record = read_record(folder, number, filesystem)
        if record is None or record.state == "abandoned":
            return None
        found = checksums(path, filesystem)
    except (DamagedRecordError, OSError) as error:
        return f"it cannot be compared with its push ({error})"
    own_record = record_path(folder, number)
    if not record.files:  # of an earlier release
        if fingerprint_of(found) == record.fingerprint:
            return None
        return f"its files are not those that were pushed, or {own_record} was changed"
    if fingerprint_of(record.files) != record.fingerprint:
        return f"{own_record} is not the record of its push any more"
    for file, checksum in sorted(record.files.items()):
        if file not in found:
            return f"{file} is missing"
        if found[file] != checksum:
            return f"{file} is not the file that was pushed"
    return None


def require_undamaged(
    version_folder: str | os.PathLike[str], filesystem: FileSystem = LOCAL
) -> None:
    """Raises DamagedVersionError if a version differs from its push."""
    problem = damage(version_folder, filesystem)
    if problem is not None:
        raise DamagedVersionError(
            f"The version {os.fspath(version_folder)} is damaged: {problem}. Put the file back, go "
            "back to another version (`nmt models rollback`), or remove it (`nmt models discard`)."
        )
