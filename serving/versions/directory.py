"""The versions in a TensorFlow Serving model directory, and which of them is live.

TensorFlow Serving watches a folder `models/NAME/` and serves its highest numeric subfolder. This
module reads that layout without TensorFlow, so that a command which only asks "what is live?"
answers at once. All file access goes through a small `FileSystem`, so that a component may bring
one for remote folders.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from serving.contract import layout
from serving.protocol.varint import read_varint

OWN_FOLDER = ".nmt"
"""Beside the versions: their journal (`serving.versions.records`), and what is on its way. No
server takes it for a version."""

_VERSION_NAME = re.compile(r"[0-9]{1,18}")
_SHARD_NAME = re.compile(r"variables\.data-[0-9]{5}-of-([0-9]{5})")
_READ_SIZE = 1 << 20

_WIRE_VARINT = 0
_WIRE_BYTES = 2
_META_GRAPHS_FIELD = 2


class NoLiveModelError(Exception):
    """No complete version lies in the serving directory, so nothing can be served or translated."""


class FileSystem(Protocol):
    """What this module asks of a file system."""

    def list_names(self, folder: str) -> list[str]:
        """Names of the entries of a folder, in any order; none where the folder is missing."""

    def is_folder(self, path: str) -> bool:
        """Whether the path is a folder."""

    def has_content(self, path: str) -> bool:
        """Whether the path is a file that is not empty."""

    def open(self, path: str) -> AbstractContextManager[BinaryIO]:
        """The file, open for reading bytes."""


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
      number: The version, as TensorFlow Serving counts it.
      path: The folder of its SavedModel.
      problem: What it lacks, in words; None where it is complete.
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
    """Something in a model directory that is no version, which every server passes over."""

    name: str
    reason: str


def list_versions(
    folder: str | os.PathLike[str], filesystem: FileSystem = LOCAL
) -> list[ModelVersion]:
    """All numeric subfolders, ascending; those that no server could load carry their `problem`.

    Args:
      folder: The model directory `models/NAME`; a missing one has no versions.
      filesystem: How to reach it.
    """
    folder = os.fspath(folder)
    versions = []
    for name in filesystem.list_names(folder):
        path = os.path.join(folder, name)
        if _VERSION_NAME.fullmatch(name) and filesystem.is_folder(path):
            versions.append(version_at(path, int(name), filesystem))
    return sorted(versions, key=lambda version: (version.number, version.path))


def version_at(path: str, number: int, filesystem: FileSystem = LOCAL) -> ModelVersion:
    """The version in a folder, with what it lacks.

    Args:
      path: The folder of its SavedModel.
      number: What it is or would be served as.
      filesystem: How to reach it.
    """
    return ModelVersion(number, path, _problem(path, filesystem))


def foreign_entries(
    folder: str | os.PathLike[str], filesystem: FileSystem = LOCAL
) -> list[ForeignEntry]:
    """The entries of a model directory that are no versions, by name, each with the reason; our own
    folder is none of them.

    Args:
      folder: The model directory `models/NAME`.
      filesystem: How to reach it.
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
    """The highest complete version, which is what a server serves; None where there is none.

    Args:
      folder: The model directory `models/NAME`.
      filesystem: How to reach it.
    """
    complete = [version for version in list_versions(folder, filesystem) if version.complete]
    return complete[-1] if complete else None


def require_live_version(
    folder: str | os.PathLike[str], filesystem: FileSystem = LOCAL
) -> ModelVersion:
    """The highest complete version.

    Args:
      folder: The model directory `models/NAME`.
      filesystem: How to reach it.

    Raises:
      NoLiveModelError: There is none; the message names the versions that were passed over and why.
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
    """SHA-256 over the relative names and the contents of all files, in hexadecimal.

    Two folders with equal fingerprints hold the same model, wherever they lie and whatever their
    version.

    Args:
      version_folder: The folder of a SavedModel.
      filesystem: How to reach it.
    """
    root = os.fspath(version_folder)
    total = hashlib.sha256()
    for name in sorted(files_below(root, filesystem)):
        content = hashlib.sha256()
        with filesystem.open(os.path.join(root, name)) as file:
            while block := file.read(_READ_SIZE):
                content.update(block)
        # A name cannot hold NUL and a digest has one length, so no two folders spell the same
        # bytes.
        total.update(name.encode("utf-8", "surrogateescape") + b"\0" + content.digest())
    return total.hexdigest()


def files_below(root: str, filesystem: FileSystem = LOCAL, *, relative: str = "") -> Iterator[str]:
    """The files in a folder and the folders below it, by their names relative to it.

    Args:
      root: The folder.
      filesystem: How to reach it.
      relative: Where below it to begin.
    """
    for name in filesystem.list_names(os.path.join(root, relative) if relative else root):
        path = f"{relative}/{name}" if relative else name
        if filesystem.is_folder(os.path.join(root, path)):
            yield from files_below(root, filesystem, relative=path)
        else:
            yield path


def _problem(version_folder: str, filesystem: FileSystem) -> str | None:
    """What keeps a server from loading the version, in words."""
    graph = os.path.join(version_folder, layout.SAVED_MODEL)
    if not filesystem.has_content(graph):
        return f"{layout.SAVED_MODEL} is missing or empty"
    with filesystem.open(graph) as file:
        if not _is_whole_saved_model(file.read()):
            return f"{layout.SAVED_MODEL} is cut off or no SavedModel"
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

    A copy that was cut off or a foreign file fails here, in no time and without TensorFlow. Wire
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
