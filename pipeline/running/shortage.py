"""Says which disk is full or how much memory is free when that ends a run, whoever noticed it."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pipeline.errors import RunFailedError
from pipeline.failures import is_disk_full, is_memory_short
from pipeline.memory import GIB, free_memory
from pipeline.workspace import Workspace, is_remote, nearest_existing

_GOES_ON = "which goes on from the last finished node"


@contextmanager
def shortage_named(workspace: Workspace) -> Iterator[None]:
    """Turns the errors of a full disk and of failed allocations into a RunFailedError.

    Args:
      workspace: the workspace of the run.
    """
    try:
        yield
    except Exception as error:
        if is_disk_full(error):
            ours = [] if is_remote(workspace.root) else [nearest_existing(workspace.root)]
            raise RunFailedError(
                f"{_fullest([*ours, tempfile.gettempdir()])}: free some space and run the same "
                f"command again, {_GOES_ON}; or choose a folder on another disk with --workspace."
            ) from error
        if is_memory_short(error):
            memory = free_memory()
            raise RunFailedError(
                f"Memory ran out, and {memory.free / GIB:.1f} GiB are free {memory.bound} now: end "
                "other programs, raise the limit (`ulimit -v`, `ulimit -u`), or set smaller "
                f"batches or a smaller model, and run again, {_GOES_ON}."
            ) from error
        raise


def _fullest(folders: Iterable[str]) -> str:
    """Describes the disk with the least free space."""
    folder = min(folders, key=lambda each: shutil.disk_usage(each).free)
    free = f"{shutil.disk_usage(folder).free / 1e6:,.1f} MB"
    files = os.statvfs(folder)
    if files.f_files and not files.f_favail:  # a file system without a bound has 0 of 0
        return f"The disk of {folder} has no room for another file ({free} free)"
    return f"The disk of {folder} is full ({free} free)"
