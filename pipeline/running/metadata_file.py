"""Checks the file of ML Metadata, which holds the history of a workspace."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from pipeline.errors import UserError


def damage_of(metadata: str) -> str | None:
    """Returns SQLite's complaint about the file; None if it can be read, or does not exist."""
    if not os.path.exists(metadata):
        return None
    try:
        # Not read-only: after a kill within a transaction SQLite first rolls it back.
        address = f"{Path(metadata).absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            [answer] = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return None if answer == "ok" else str(answer)


def require_readable(metadata: str) -> None:
    """Raises UserError if the file is damaged."""
    if problem := damage_of(metadata):
        raise UserError(
            f"ML Metadata in {metadata} is damaged ({problem}): put a copy of it back, or let "
            "`nmt doctor --fix` set it aside; the next run then begins a new history."
        )


def is_history_lost(metadata: str, pipeline_root: str) -> bool:
    """Whether a pipeline has artifacts, but ML Metadata's file is missing or empty.

    Args:
      metadata: the SQLite file.
      pipeline_root: the folder of the pipeline's artifacts, one folder for each node.
    """
    with suppress(OSError):
        if os.path.getsize(metadata):
            return False
    with suppress(OSError), os.scandir(pipeline_root) as entries:
        return any(entry.is_dir() for entry in entries)
    return False
