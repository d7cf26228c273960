"""Lets one run of a pipeline at a time work in a workspace.

Two runs of one name would share ML Metadata's newest run, the log, the reports and the live model.
Runs of different names work side by side.
"""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pipeline.errors import UserError
from pipeline.workspace import Workspace, is_remote

LOCK_FILE = "run.lock"
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


@contextmanager
def only_run(workspace: Workspace, name: str) -> Iterator[None]:
    """Holds the lock of a pipeline; the kernel releases it if the process dies.

    Args:
      workspace: the workspace; a remote one has no lock.
      name: the name of the pipeline.

    Raises:
      UserError: another run of this pipeline holds the lock.
    """
    folder = workspace.pipeline_root(name)
    if is_remote(folder):
        yield
        return
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, LOCK_FILE), "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise UserError(
                f"The pipeline {name} is running in {workspace.root} already ({file.read()}): "
                "wait for its end, or use another --workspace or another name."
            ) from error
        except OSError as error:
            # A few network file systems have no locks; the push is safe even there.
            if error.errno not in _NO_LOCKS:
                raise
        file.truncate(0)
        started = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
        file.write(f"process {os.getpid()} on {socket.gethostname()}, started {started}")
        file.flush()
        yield
