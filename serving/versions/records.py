"""The journal of a model directory: one small file for each version ever published.

`models/NAME/.nmt/records/VERSION.json` records how, when, by whom and why the version was created.
The journal is stored beside the versions, since every pusher, on a laptop or a cluster, can reach
that folder. It outlives the versions: a number is never used twice, and a model withdrawn by a
rollback is recognised if it is pushed again.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from serving.versions.directory import LOCAL, OWN_FOLDER, FileSystem
from serving.versions.store import VersionStore

_RECORDS = "records"
_SUFFIX = ".json"


class DamagedRecordError(ValueError):
    """A record cannot be read; the message names its file."""


class VersionRecord(BaseModel):
    """The record of a version."""

    # The record of a newer release may hold more fields.
    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int
    action: Literal["push", "rollback"]
    state: Literal["pending", "published", "retired", "abandoned"]
    """`pending`: announced, but maybe incomplete; `retired`: removed in favour of newer versions;
    `abandoned`: announced, but never completed."""
    time: datetime
    """Time of the announcement, with its time zone."""
    by: str
    """The user and the machine."""
    fingerprint: str
    """The fingerprint of its content (`serving.versions.directory.fingerprint`)."""
    files: dict[str, str] = {}
    """The SHA-256 of each file, by its relative name; none in a record of an earlier release."""
    replaced: int | None = None
    """The live version before."""
    restored: int | None = None
    """For a rollback: the version copied by this one."""
    withdrawn: dict[str, int] = {}
    """For a rollback: the fingerprints of the models it withdrew, each with its version."""
    reason: str | None = None

    @property
    def happened(self) -> bool:
        """Whether the version was ever available to servers."""
        return self.state in ("published", "retired")


def read_records(
    folder: str | os.PathLike[str], filesystem: FileSystem = LOCAL
) -> list[VersionRecord]:
    """Returns all records of a model directory in the order of their versions, so also of time.

    Args:
      folder: the model directory `models/NAME`; one without a journal has no records.
      filesystem: its file system.

    Raises:
      DamagedRecordError: a file is not a record.
    """
    place = _place(os.fspath(folder))
    records = [
        _read(os.path.join(place, name), filesystem)
        for name in filesystem.list_names(place)
        if name.endswith(_SUFFIX) and name.removesuffix(_SUFFIX).isdecimal()
    ]
    return sorted(records, key=lambda record: record.version)


def read_record(folder: str, version: int, filesystem: FileSystem = LOCAL) -> VersionRecord | None:
    """Returns the record of one version; None if it has none.

    Raises:
      DamagedRecordError: the file is not a record.
    """
    if f"{version}{_SUFFIX}" not in filesystem.list_names(_place(folder)):
        return None
    return _read(record_path(folder, version), filesystem)


def record_path(folder: str, version: int) -> str:
    """Returns the path of a version's record."""
    return os.path.join(_place(folder), f"{version}{_SUFFIX}")


def write_record(folder: str, record: VersionRecord, store: VersionStore) -> None:
    """Writes a record, replacing an earlier one of the version."""
    place = _place(folder)
    store.make_folder(place)
    text = record.model_dump_json(indent=2) + "\n"
    store.write(record_path(folder, record.version), text.encode())


def withdrawn_models(records: Iterable[VersionRecord]) -> dict[str, VersionRecord]:
    """Returns the models withdrawn by a rollback and not made live again since.

    Args:
      records: the records of one model directory, oldest first.

    Returns:
      The record of the rollback, by the fingerprint of the withdrawn model.
    """
    withdrawn: dict[str, VersionRecord] = {}
    for record in records:
        if record.happened:
            withdrawn |= dict.fromkeys(record.withdrawn, record)
            withdrawn.pop(record.fingerprint, None)
    return withdrawn


def who() -> str:
    """Returns the user and the machine, as `user@machine`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a user id without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _read(path: str, filesystem: FileSystem) -> VersionRecord:
    with filesystem.open(path) as file:
        content = file.read()
    try:
        return VersionRecord.model_validate_json(content)
    except ValidationError as error:
        raise DamagedRecordError(
            f"{path} is not the record of a version; fix it, or remove it and lose the "
            "information whether that model was taken back."
        ) from error


def _place(folder: str) -> str:
    return os.path.join(folder, OWN_FOLDER, _RECORDS)
