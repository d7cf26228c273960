"""Says which disk is full when that ends a run, whichever library noticed it."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pipeline.errors import RunFailedError
from pipeline.failures import is_disk_full
from pipeline.workspace import Workspace, is_remote, nearest_existing


@contextmanager
def full_disk_named(workspace: Workspace) -> Iterator[None]:
    """Turns each error of a full disk into a RunFailedError with the folder and its free space.

    Args:
      workspace: the workspace of the run.
    """
    try:
        yield
    except Exception as error:
        if not is_disk_full(error):
            raise
        ours = [] if is_remote(workspace.root) else [nearest_existing(workspace.root)]
        raise RunFailedError(
            f"{_fullest([*ours, tempfile.gettempdir()])}: free some space and run the same command "
            "again, which goes on from the last finished node; or choose a folder on another disk "
            "with --workspace."
        ) from error


def _fullest(folders: Iterable[str]) -> str:
    """Describes the disk with the least free space."""
    folder = min(folders, key=lambda each: shutil.disk_usage(each).free)
    free = f"{shutil.disk_usage(folder).free / 1e6:,.1f} MB"
    files = os.statvfs(folder)
    if files.f_files and not files.f_favail:  # a file system without a bound has 0 of 0
        return f"The disk of {folder} has no room for another file ({free} free)"
    return f"The disk of {folder} is full ({free} free)"
