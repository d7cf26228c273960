"""Access to remote model directories through TFX, for publishing; local ones do not need it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tfx.dsl.io import fileio

from components.live_model import TfxFileSystem
from serving.versions.store import LocalStore, VersionStore

_REMOTE = "://"


class TfxStore(TfxFileSystem):
    """Object stores and other file systems known to TFX.

    In an object store TensorFlow's `Rename` of a folder copies object by object, so it is not used.
    """

    moves_whole_folders = False
    abandoned_after_seconds = 3600.0

    @contextlib.contextmanager
    def lock(self, path: str) -> Iterator[None]:
        """Does nothing: there are no locks."""
        yield

    def make_folder(self, path: str) -> None:
        fileio.makedirs(path)

    def copy(self, source: str, destination: str, *, link: bool = False) -> None:
        fileio.copy(source, destination, overwrite=True)

    def write(self, path: str, content: bytes) -> None:
        # An object becomes visible only when it is complete.
        with fileio.open(path, "wb") as file:
            file.write(content)

    def move(self, source: str, destination: str) -> None:
        raise NotImplementedError("No folder is moved in one step here.")

    def settle(self, folder: str) -> None:
        """Does nothing: written objects are durable."""

    def remove(self, path: str) -> None:
        if fileio.isdir(path):
            fileio.rmtree(path)
        else:
            fileio.remove(path)


def store_for(*places: str) -> VersionStore:
    """Returns a store with access to all these places.

    Args:
      places: paths or URIs of folders.
    """
    return TfxStore() if any(_REMOTE in place for place in places) else LocalStore()
