"""Notices that the history of a workspace is gone while its artifacts are still there."""

import os
from contextlib import suppress


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
