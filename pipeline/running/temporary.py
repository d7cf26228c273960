"""Gives a run a folder of its own for temporary files.

TFX, Beam and TensorFlow leave a dozen entries in the folder of temporary files, and a killed run
leaves more.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "nmt-run-"
_VARIABLE = "TMPDIR"


@contextmanager
def own_temporary_folder() -> Iterator[None]:
    """Makes a folder for the temporary files of this process and its children, and removes it.

    Folders left by killed runs are removed first. A living run holds a lock on its folder; the
    kernel releases it if the process dies.
    """
    _remove_stale()
    before = tempfile.tempdir, os.environ.get(_VARIABLE)
    # It gets its name when it is locked, so no other run takes it for a stale one.
    made = tempfile.mkdtemp(prefix=f".{PREFIX}")
    folder = os.path.join(os.path.dirname(made), os.path.basename(made)[1:])
    descriptor = os.open(made, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.rename(made, folder)
        tempfile.tempdir = os.environ[_VARIABLE] = folder
        yield
    finally:
        tempfile.tempdir = before[0]
        if before[1] is None:
            os.environ.pop(_VARIABLE, None)
        else:
            os.environ[_VARIABLE] = before[1]
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _remove_stale() -> None:
    """Removes the folders of this user's dead runs."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(descriptor).st_uid == os.geteuid():
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
