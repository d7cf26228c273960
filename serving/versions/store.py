"""How versions are written: what publishing asks of a file system, and this machine's answers."""

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
    """A file system in which versions are published."""

    moves_whole_folders: bool
    """Whether `move` is one step that nobody sees half done. An object store has no folders to
    move."""
    abandoned_after_seconds: float
    """How old the traces of an unfinished push must be before another one clears them away: 0
    where `lock` says that nobody else is at work."""

    def lock(self, path: str) -> AbstractContextManager[None]:
        """Keeps others out, in this process and all others, while the block runs."""

    def make_folder(self, path: str) -> None:
        """Makes a folder and those above it; one that is there stays."""

    def copy(self, source: str, destination: str, *, link: bool = False) -> None:
        """Copies one file to the disk, or makes a second name of it where that is possible."""

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file, of which nobody sees a half; one that is there is replaced."""

    def move(self, source: str, destination: str) -> None:
        """Moves a folder.

        Raises:
          FileExistsError: something is there already.
        """

    def settle(self, folder: str) -> None:
        """Makes the names in a folder outlast a power failure."""

    def remove(self, path: str) -> None:
        """Removes a file, or a folder with all that is in it."""


class LocalStore(LocalFileSystem):
    """Folders of this machine, or mounted here."""

    moves_whole_folders = True
    abandoned_after_seconds = 0.0

    @contextlib.contextmanager
    def lock(self, path: str) -> Iterator[None]:
        """Locks a file, which the kernel gives up when its holder dies, however that was."""
        self.make_folder(os.path.dirname(path))
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            except OSError as error:
                # A few network file systems have no locks. What is made there is whole all the
                # same: only `move` makes it visible, and a number is taken only once.
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
            # POSIX lets a folder take the place of an empty folder, and of no other.
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
