"""Remote model directories through TFX's file access, for publishing; local ones go without it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tfx.dsl.io import fileio

from components.live_model import TfxFileSystem
from serving.versions.store import LocalStore, VersionStore

_REMOTE = "://"


class TfxStore(TfxFileSystem):
    """Object stores, and whatever else TFX has a file system for.

    TensorFlow's `Rename` of a folder copies object by object there, so it is not used.
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
        # An object appears when it is whole.
        with fileio.open(path, "wb") as file:
            file.write(content)

    def move(self, source: str, destination: str) -> None:
        raise NotImplementedError("No folder is moved in one step here.")

    def settle(self, folder: str) -> None:
        """Does nothing: what was written lasts."""

    def remove(self, path: str) -> None:
        if fileio.isdir(path):
            fileio.rmtree(path)
        else:
            fileio.remove(path)


def store_for(*places: str) -> VersionStore:
    """The store that reaches all these places.

    Args:
      places: paths or URIs of folders.
    """
    return TfxStore() if any(_REMOTE in place for place in places) else LocalStore()
