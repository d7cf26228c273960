"""The workspace: the one folder that holds everything a run reads and makes.

Paths are strings, because a workspace may also be remote (`gs://bucket/folder`), which `pathlib`
would damage.
"""

import os
from dataclasses import dataclass

from pipeline.errors import UserError

DEFAULT = "workspace"
ENVIRONMENT_VARIABLE = "NMT_WORKSPACE"


def is_remote(path: str) -> bool:
    """Whether the path is a URI such as `gs://bucket/folder`."""
    return "://" in path


@dataclass(frozen=True)
class Workspace:
    """Where things lie below a root folder.

    Args:
        root: an absolute local path or a URI, without a slash at its end.
    """

    root: str

    @classmethod
    def resolve(cls, option: str | None) -> "Workspace":
        """The workspace that a command works in.

        Args:
            option: the value of `--workspace`; without one, `NMT_WORKSPACE`, then `workspace` in
                the current folder.

        Raises:
            UserError: the path is empty or something else than a folder.
        """
        root = option if option is not None else os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT
        if not root.strip():
            raise UserError("--workspace is empty: give the path of a folder.")
        if is_remote(root):
            return cls(root.rstrip("/"))
        # ML Metadata records artifacts by path: a relative one would be lost from another folder.
        root = os.path.abspath(os.path.expanduser(root))
        if os.path.exists(root) and not os.path.isdir(root):
            raise UserError(f"The workspace {root} is not a folder: give another --workspace.")
        return cls(root)

    @property
    def corpora(self) -> str:
        """The folder of all corpora."""
        return self._join("corpora")

    def corpus(self, name_or_path: str) -> str:
        """The folder of a corpus: a name lies in the workspace, a path (with a slash) anywhere."""
        if is_remote(name_or_path):
            return name_or_path.rstrip("/")
        if "/" in name_or_path or os.sep in name_or_path:
            return os.path.abspath(os.path.expanduser(name_or_path))
        return self._join("corpora", name_or_path)

    def pipeline_root(self, name: str) -> str:
        """Where the artifacts of a pipeline lie."""
        return self._join("pipelines", name)

    @property
    def metadata(self) -> str:
        """The SQLite file of ML Metadata."""
        return self._join("metadata.db")

    def models(self, name: str) -> str:
        """The serving directory of a pipeline: one numbered folder for each pushed version."""
        return self._join("models", name)

    def reports(self, name: str) -> str:
        """Where the reports of a pipeline lie."""
        return self._join("reports", name)

    def _join(self, *parts: str) -> str:
        for part in parts:
            if part in ("", ".", "..") or "/" in part or os.sep in part:
                raise UserError(f"{part!r} is not a name in the workspace: use a name without '/'.")
        return "/".join((self.root, *parts))
