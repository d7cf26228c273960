"""The file system operations needed for publishing, and their implementation on this machine."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol

from serving.versions.directory import FileSystem, LocalFileSystem

_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


class VersionStore(FileSystem, Protocol):
    """A file system for publishing versions."""

    moves_whole_folders: bool
    """Whether `move` is atomic for folders. An object store has no folders to move."""
    abandoned_after_seconds: float
    """The age at which the remains of an unfinished push are removed: 0 if `lock` excludes other
    publishers."""

    def lock(self, path: str) -> AbstractContextManager[None]:
        """Excludes others, in this process and all others, while the block runs."""

    def make_folder(self, path: str) -> None:
        """Creates a folder and its parents, unless they exist."""

    def copy(self, source: str, destination: str, *, link: bool = False) -> None:
        """Copies one file to the disk, or with `link` creates a hard link if possible."""

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file atomically; replaces an existing one."""

    def move(self, source: str, destination: str) -> None:
        """Moves a folder.

        Raises:
          FileExistsError: the destination exists.
        """

    def settle(self, folder: str) -> None:
        """Flushes the names in a folder to the disk, to survive a power failure."""

    def remove(self, path: str) -> None:
        """Removes a file, or a folder with its content."""


class LocalStore(LocalFileSystem):
    """Local or mounted folders of this machine."""

    moves_whole_folders = True
    abandoned_after_seconds = 0.0

    @contextlib.contextmanager
    def lock(self, path: str) -> Iterator[None]:
        """Locks a file; the kernel releases the lock if its holder dies."""
        self.make_folder(os.path.dirname(path))
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            except OSError as error:
                # A few network file systems have no locks. Versions are complete even there: only
                # `move` makes them visible, and a number is used only once.
                if error.errno not in _NO_LOCKS:
                    raise
            yield
        finally:
            os.close(descriptor)

    def make_folder(self, path: str) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)

    def copy(self, source: str, destination: str, *, link: bool = False) -> None:
        if link:
            try:
                os.link(source, destination)
                return
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
        with Path(source).open("rb") as original, Path(destination).open("xb") as file:
            shutil.copyfileobj(original, file)
            _to_disk(file)

    def write(self, path: str, content: bytes) -> None:
        folder, name = os.path.split(path)
        descriptor, unfinished = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o644)
                file.write(content)
                _to_disk(file)
            os.replace(unfinished, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(unfinished)
            raise
        self.settle(folder)

    def move(self, source: str, destination: str) -> None:
        try:
            # In POSIX, a folder can replace only an empty folder.
            os.rename(source, destination)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise FileExistsError(errno.EEXIST, "is there already", destination) from error
            raise
        self.settle(os.path.dirname(destination))

    def settle(self, folder: str) -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: str) -> None:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
