"""Runs programs on a small disk: a tmpfs that only they see, so no rights of root are needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_MOUNT = 'mount -t tmpfs -o "$1" tmpfs "$2" && cd "$3" && shift 3 && exec "$@"'


def on_small_disk(options: str, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs a command while a tmpfs lies at a folder.

    Args:
      options: mount options, such as `size=300k`.
      folder: an existing folder.
      command: the program and its arguments; it runs in the repository's root.
    """
    apart = ["unshare", "--map-root-user", "--mount"]
    tried = subprocess.run(
        [*apart, "mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, check=False
    )
    if tried.returncode:
        pytest.skip(f"no file system can be mounted here: {tried.stderr.decode().strip()}")
    return subprocess.run(
        [*apart, "sh", "-c", _MOUNT, "sh", options, str(folder), str(ROOT), *command],
        capture_output=True, text=True, encoding="utf-8", check=False,
        # Text that the disk did not take stays in a buffer, if there is one.
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    )  # fmt: skip


def python_on_small_disk(options: str, folder: Path, program: str, *arguments: str) -> str:
    """Runs a Python program; returns all that it printed.

    Args:
      options: as above.
      folder: as above, and the first argument of the program.
      program: its text.
      arguments: its further arguments.
    """
    done = on_small_disk(options, folder, sys.executable, "-c", program, str(folder), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
