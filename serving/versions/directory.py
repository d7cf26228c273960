"""The versions in a TensorFlow Serving model directory, and the live one among them.

TensorFlow Serving watches a folder `models/NAME/` and serves its highest numeric subfolder. This
module reads the layout without TensorFlow, so a command that only needs the live version is fast.
All file access goes through a small `FileSystem`, so a component may provide one for remote
folders.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from serving.contract import layout
from serving.protocol.varint import read_varint

OWN_FOLDER = ".nmt"
"""The folder beside the versions, with their journal (`serving.versions.records`) and unfinished
copies. Servers ignore it."""

_VERSION_NAME = re.compile(r"[0-9]{1,18}")
_SHARD_NAME = re.compile(r"variables\.data-[0-9]{5}-of-([0-9]{5})")
_READ_SIZE = 1 << 20
_EARLIEST_TIMESTAMP = 1_000_000_000
_LATEST_TIMESTAMP = 10_000_000_000

_WIRE_VARINT = 0
_WIRE_BYTES = 2
_META_GRAPHS_FIELD = 2


class NoLiveModelError(Exception):
    """The model directory has no complete version, so nothing can be served or translated."""


class FileSystem(Protocol):
    """The file system operations needed by this module."""

    def list_names(self, folder: str) -> list[str]:
        """Returns the names in a folder, in any order; an empty list if it is missing."""

    def is_folder(self, path: str) -> bool:
        """Whether the path is a folder."""

    def has_content(self, path: str) -> bool:
        """Whether the path is a non-empty file."""

    def open(self, path: str) -> AbstractContextManager[BinaryIO]:
        """Opens a file for reading bytes."""


class LocalFileSystem:
    """The file system of this machine."""

    def list_names(self, folder: str) -> list[str]:
        path = Path(folder)
        return [entry.name for entry in path.iterdir()] if path.is_dir() else []

    def is_folder(self, path: str) -> bool:
        return Path(path).is_dir()

    def has_content(self, path: str) -> bool:
        file = Path(path)
        return file.is_file() and file.stat().st_size > 0

    def open(self, path: str) -> AbstractContextManager[BinaryIO]:
        return Path(path).open("rb")


LOCAL = LocalFileSystem()


@dataclass(frozen=True)
class ModelVersion:
    """A numeric subfolder of a model directory.

    Attributes:
      number: The version number of TensorFlow Serving.
      path: The folder of its SavedModel.
      problem: A description of the missing or damaged part; None if it is complete.
    """

    number: int
    path: str
    problem: str | None = None

    @property
    def complete(self) -> bool:
        """Whether a server can load it."""
        return self.problem is None


@dataclass(frozen=True)
class ForeignEntry:
    """An entry of a model directory other than a version; servers ignore it."""

    name: str
    reason: str


def list_versions(
    folder: str | os.PathLike[str], filesystem: FileSystem = LOCAL
) -> list[ModelVersion]:
    """Returns all numeric subfolders, ascending; incomplete versions have a `problem`.

    Args:
      folder: The model directory `models/NAME`; a missing one has no versions.
      filesystem: Its file system.
    """
    folder = os.fspath(folder)
    versions = []
    for name in filesystem.list_names(folder):
        path = os.path.join(folder, name)
        if _VERSION_NAME.fullmatch(name) and filesystem.is_folder(path):
            versions.append(version_at(path, int(name), filesystem))
    return sorted(versions, key=lambda version: (version.number, version.path))


def version_at(path: str, number: int, filesystem: FileSystem = LOCAL) -> ModelVersion:
    """Returns the version in a folder, with its `problem` if it is incomplete.

    Args:
      path: The folder of its SavedModel.
      number: The current or future version number.
      filesystem: Its file system.
    """
    return ModelVersion(number, path, _problem(path, filesystem))


def time_of(number: int) -> datetime | None:
    """Returns the time of a push by its number: Pusher's numbers are seconds since 1970.

    None for other numbers, as given by hand.
    """
    if not _EARLIEST_TIMESTAMP <= number < _LATEST_TIMESTAMP:
        return None
    return datetime.fromtimestamp(number, UTC)


def foreign_entries(
    folder: str | os.PathLike[str], filesystem: FileSystem = LOCAL
) -> list[ForeignEntry]:
    """Returns all entries other than versions, by name and with the reason; without our own folder.

    Args:
      folder: The model directory `models/NAME`.
      filesystem: Its file system.
    """
    folder = os.fspath(folder)
    entries = []
    for name in sorted(filesystem.list_names(folder)):
        if name == OWN_FOLDER:
            continue
        if not _VERSION_NAME.fullmatch(name):
            entries.append(ForeignEntry(name, "its name is not a version number"))
        elif not filesystem.is_folder(os.path.join(folder, name)):
            entries.append(ForeignEntry(name, "it is not a folder"))
    return entries


def live_version(
    folder: str | os.PathLike[str], filesystem: FileSystem = LOCAL
) -> ModelVersion | None:
    """Returns the highest complete version, the one served; None if there is none.

    Args:
      folder: The model directory `models/NAME`.
      filesystem: Its file system.
    """
    complete = [version for version in list_versions(folder, filesystem) if version.complete]
    return complete[-1] if complete else None


def require_live_version(
    folder: str | os.PathLike[str], filesystem: FileSystem = LOCAL
) -> ModelVersion:
    """Returns the highest complete version.

    Args:
      folder: The model directory `models/NAME`.
      filesystem: Its file system.

    Raises:
      NoLiveModelError: There is none; the message lists the incomplete versions and their problems.
    """
    version = live_version(folder, filesystem)
    if version is not None:
        return version
    broken = "; ".join(
        f"version {version.number}: {version.problem}"
        for version in list_versions(folder, filesystem)
    )
    raise NoLiveModelError(
        f"No model is live in {os.fspath(folder)}{f' ({broken})' if broken else ''}; "
        "run the pipeline until its gate lets a model out."
    )


def fingerprint(version_folder: str | os.PathLike[str], filesystem: FileSystem = LOCAL) -> str:
    """Returns the SHA-256 of the relative names and the contents of all files, in hexadecimal.

    Folders with equal fingerprints hold the same model, in any place and under any version number.

    Args:
      version_folder: The folder of a SavedModel.
      filesystem: Its file system.
    """
    return fingerprint_of(checksums(version_folder, filesystem))


def checksums(
    version_folder: str | os.PathLike[str], filesystem: FileSystem = LOCAL
) -> dict[str, str]:
    """Returns the SHA-256 of each file in hexadecimal, by its relative name.

    Args:
      version_folder: The folder of a SavedModel.
      filesystem: Its file system.
    """
    root = os.fspath(version_folder)
    found = {}
    for name in files_below(root, filesystem):
        content = hashlib.sha256()
        with filesystem.open(os.path.join(root, name)) as file:
            while block := file.read(_READ_SIZE):
                content.update(block)
        found[name] = content.hexdigest()
    return found


def fingerprint_of(files: Mapping[str, str]) -> str:
    """Returns the fingerprint of a folder from the `checksums` of its files."""
    total = hashlib.sha256()
    for name, checksum in sorted(files.items()):
        # Names hold no NUL and digests have a fixed length, so different folders give different
        # bytes.
        total.update(name.encode("utf-8", "surrogateescape") + b"\0" + bytes.fromhex(checksum))
    return total.hexdigest()


def files_below(root: str, filesystem: FileSystem = LOCAL, *, relative: str = "") -> Iterator[str]:
    """Yields the files in a folder and its subfolders, by their relative names.

    Args:
      root: The folder.
      filesystem: Its file system.
      relative: The subfolder to start in.
    """
    for name in filesystem.list_names(os.path.join(root, relative) if relative else root):
        path = f"{relative}/{name}" if relative else name
        if filesystem.is_folder(os.path.join(root, path)):
            yield from files_below(root, filesystem, relative=path)
        else:
            yield path


def _problem(version_folder: str, filesystem: FileSystem) -> str | None:
    """Returns the reason a server cannot load the version; None if it can."""
    graph = os.path.join(version_folder, layout.SAVED_MODEL)
    if not filesystem.has_content(graph):
        return f"{layout.SAVED_MODEL} is missing or empty"
    with filesystem.open(graph) as file:
        if not _is_whole_saved_model(file.read()):
            return f"{layout.SAVED_MODEL} is truncated or not a SavedModel"
    index = os.path.join(version_folder, layout.VARIABLES_INDEX)
    if not filesystem.has_content(index):
        return f"{layout.VARIABLES_INDEX} is missing or empty"
    shards = [
        match
        for match in map(_SHARD_NAME.fullmatch, filesystem.list_names(os.path.dirname(index)))
        if match is not None
    ]
    expected = max((int(shard.group(1)) for shard in shards), default=1)
    if len(shards) < expected:
        return f"{len(shards)} of {expected} files of variables are there"
    return None


def _is_whole_saved_model(content: bytes) -> bool:
    """Whether the outer fields of the `SavedModel` message fill the file exactly and hold a graph.

    This finds truncated copies and files of another format, quickly and without TensorFlow. Wire
    format: https://protobuf.dev/programming-guides/encoding. The graphs are field 2
    (`meta_graphs`).
    """
    position, graphs = 0, 0
    try:
        while position < len(content):
            tag, position = read_varint(content, position)
            field, kind = tag >> 3, tag & 7
            if kind == _WIRE_VARINT:
                _, position = read_varint(content, position)
            elif kind == _WIRE_BYTES:
                length, position = read_varint(content, position)
                position += length
                graphs += field == _META_GRAPHS_FIELD
            else:
                return False
    except IndexError:
        return False
    return position == len(content) and graphs > 0
