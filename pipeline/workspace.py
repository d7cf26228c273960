"""The workspace: the folder of everything read and made by a run.

Paths are strings, because a workspace may be remote (`gs://bucket/folder`), and `pathlib` would
damage such a path.
"""

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.errors import UserError
from pipeline.failures import is_disk_full

DEFAULT = "workspace"
ENVIRONMENT_VARIABLE = "NMT_WORKSPACE"
_PATTERN = "*?[]\\"
"""Beam and TensorFlow read these as patterns. Other than ASCII, TensorFlow Transform fails."""
_LONGEST_ROOT = 480
"""SQLite opens paths of at most 512 bytes, and its journal is `metadata.db-journal`."""
_LONGEST_NAME = 255


def is_remote(path: str) -> bool:
    """Whether the path is a URI such as `gs://bucket/folder`."""
    return "://" in path


def require_writable(folders: Iterable[str], remedy: str) -> None:
    """Checks before a run whether it can write its results.

    Args:
        folders: the folders of the results; of a missing one, the nearest existing parent is
            checked. URIs are not checked.
        remedy: the end of the error message.

    Raises:
        UserError: a folder cannot be written.
        OSError: the disk is full.
    """
    for folder in folders:
        if is_remote(folder):
            continue
        folder = nearest_existing(folder)
        try:
            # On Linux the file has no name, so servers watching the folder never see it.
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            if is_disk_full(error):
                raise
            raise UserError(
                f"The folder {folder} cannot be written by user {os.geteuid()} "
                f"({error.strerror}): {remedy}."
            ) from error


def nearest_existing(folder: str) -> str:
    """Returns a local folder, or its nearest parent that exists."""
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    return folder


def require_usable(root: str) -> None:
    """Checks whether every part of a run can use a path.

    Args:
        root: the absolute path of the workspace, or its URI.

    Raises:
        UserError: TFX, Beam or TensorFlow would fail on the path.
    """
    odd = next((each for each in root if each in _PATTERN or not " " <= each <= "~"), None)
    if odd is not None:
        raise UserError(
            f"The path of the workspace {root!r} holds {odd!r}, on which TFX fails: it must be of "
            f"ASCII letters, digits and signs other than {' '.join(_PATTERN)}. Give another "
            "--workspace."
        )
    if is_remote(root):
        return
    if len(root) > _LONGEST_ROOT or max(map(len, root.split("/"))) > _LONGEST_NAME:
        raise UserError(
            f"The path of the workspace {root[:40]}... has {len(root)} letters: give a --workspace "
            f"of at most {_LONGEST_ROOT}, and {_LONGEST_NAME} in each name."
        )


@dataclass(frozen=True)
class Workspace:
    """The places of files below a root folder.

    Args:
        root: an absolute local path or a URI, without a slash at its end.
    """

    root: str

    @classmethod
    def resolve(cls, option: str | None) -> "Workspace":
        """Returns the workspace of a command.

        Args:
            option: the value of `--workspace`; if it is None, `NMT_WORKSPACE` is used, else
                `workspace` in the current folder.

        Raises:
            UserError: the path is empty, not a folder, or unusable for a run.
        """
        root = option if option is not None else os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT
        if not root.strip():
            raise UserError("--workspace is empty: give the path of a folder.")
        if is_remote(root):
            require_usable(root)
            return cls(root.rstrip("/"))
        # ML Metadata records paths of artifacts: a relative one is wrong in another folder.
        root = os.path.abspath(os.path.expanduser(root))
        require_usable(root)
        if os.path.exists(root) and not os.path.isdir(root):
            raise UserError(f"The workspace {root} is not a folder: give another --workspace.")
        return cls(root)

    @property
    def corpora(self) -> str:
        """The folder of all corpora."""
        return self._join("corpora")

    def corpus(self, name_or_path: str) -> str:
        """Returns the folder of a corpus: a name in the workspace, or any path with a slash."""
        if is_remote(name_or_path):
            return name_or_path.rstrip("/")
        if "/" in name_or_path or os.sep in name_or_path:
            return os.path.abspath(os.path.expanduser(name_or_path))
        return self._join("corpora", name_or_path)

    @property
    def configurations(self) -> str:
        """The folder of the configurations made for corpora."""
        return self._join("configurations")

    def pipeline_root(self, name: str) -> str:
        """Returns the folder of a pipeline's artifacts."""
        return self._join("pipelines", name)

    @property
    def metadata(self) -> str:
        """The SQLite file of ML Metadata."""
        return self._join("metadata.db")

    def models(self, name: str) -> str:
        """Returns the serving directory of a pipeline, with a numbered folder for each version."""
        return self._join("models", name)

    def reports(self, name: str) -> str:
        """Returns the folder of a pipeline's reports."""
        return self._join("reports", name)

    def _join(self, *parts: str) -> str:
        for part in parts:
            if part in ("", ".", "..") or "/" in part or os.sep in part:
                raise UserError(f"{part!r} is not a name in the workspace: use a name without '/'.")
        return "/".join((self.root, *parts))
