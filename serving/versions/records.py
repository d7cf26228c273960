"""The journal of a model directory: one small file for each version that was ever published.

`models/NAME/.nmt/records/VERSION.json` says how, when, by whom and why the version came to be. The
journal lies beside the versions because that is all which every pusher has in common, on a laptop
and on a cluster. It outlives the versions: a number is never used twice, and a model that was taken
back by a rollback is known again when it comes once more.
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
    """A record cannot be read; the sentence names its file."""


class VersionRecord(BaseModel):
    """How a version came to be."""

    # A record that a newer release wrote may hold more.
    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int
    action: Literal["push", "rollback"]
    state: Literal["pending", "published", "retired", "abandoned"]
    """`pending`: announced, and not known to be whole; `retired`: removed, because newer versions
    are kept; `abandoned`: whoever announced it did not finish."""
    time: datetime
    """When it was announced, with its time zone."""
    by: str
    """The user and the machine."""
    fingerprint: str
    """Of its content (`serving.versions.directory.fingerprint`)."""
    replaced: int | None = None
    """The version that was live before."""
    restored: int | None = None
    """Of a rollback: the version that this one is a copy of."""
    withdrawn: dict[str, int] = {}
    """Of a rollback: the fingerprints of the models that it took back, and under which version each
    was served."""
    reason: str | None = None

    @property
    def happened(self) -> bool:
        """Whether the version was there for servers to load."""
        return self.state in ("published", "retired")


def read_records(
    folder: str | os.PathLike[str], filesystem: FileSystem = LOCAL
) -> list[VersionRecord]:
    """All records of a model directory, in the order of their versions, which is that of time.

    Args:
      folder: the model directory `models/NAME`; one without a journal has no records.
      filesystem: how to reach it.

    Raises:
      DamagedRecordError: a file is not a record.
    """
    place = _place(os.fspath(folder))
    records = []
    for name in filesystem.list_names(place):
        if not name.endswith(_SUFFIX) or not name.removesuffix(_SUFFIX).isdecimal():
            continue
        path = os.path.join(place, name)
        with filesystem.open(path) as file:
            content = file.read()
        try:
            records.append(VersionRecord.model_validate_json(content))
        except ValidationError as error:
            raise DamagedRecordError(
                f"{path} is not the record of a version; put it right or remove it, and then "
                "nobody knows whether that model was taken back."
            ) from error
    return sorted(records, key=lambda record: record.version)


def write_record(folder: str, record: VersionRecord, store: VersionStore) -> None:
    """Writes a record, in place of what was known of the version."""
    place = _place(folder)
    store.make_folder(place)
    text = record.model_dump_json(indent=2) + "\n"
    store.write(os.path.join(place, f"{record.version}{_SUFFIX}"), text.encode())


def withdrawn_models(records: Iterable[VersionRecord]) -> dict[str, VersionRecord]:
    """The models that were taken back, and were not made live again since.

    Args:
      records: of one model directory, oldest first.

    Returns:
      By the fingerprint of the model, the record of the rollback that took it back.
    """
    withdrawn: dict[str, VersionRecord] = {}
    for record in records:
        if record.happened:
            withdrawn |= dict.fromkeys(record.withdrawn, record)
            withdrawn.pop(record.fingerprint, None)
    return withdrawn


def who() -> str:
    """The user and the machine, as `user@machine`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _place(folder: str) -> str:
    return os.path.join(folder, OWN_FOLDER, _RECORDS)
