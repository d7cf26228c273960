"""The command to go on with, as it can be pasted into the shell."""

import os
import shlex
import shutil
import sys

from pipeline.config.settings import made_configs, shipped_configs
from pipeline.errors import UserError
from pipeline.workspace import Workspace


def next_command(command: str, name: str, workspace: Workspace, arguments: str = "") -> str:
    """Returns a command of `nmt` with the options for a pipeline and its workspace.

    Args:
        command: the words after `nmt`.
        name: the name of the pipeline. If it is not that of a configuration, because the file has
            another name, `--set` gives it.
        workspace: the workspace of the pipeline.
        arguments: further ones, as typed.
    """
    if name in (*shipped_configs(), *made_configs(workspace.root)):
        config = "" if name == "debian" else f" --config {name}"
    else:
        config = f" --set name={name}"
    return f"{whole_command(command + config, workspace)} {arguments}".rstrip()


def whole_command(command: str, workspace: Workspace) -> str:
    """Returns a command of `nmt` with the program's name, and the workspace unless the default."""
    place = "" if _is_default(workspace) else f" --workspace {shlex.quote(workspace.root)}"
    return f"{program()} {command}{place}"


def run_command(config: str, workspace: str | None) -> str:
    """Returns the command to train a first model, with the options as they were given."""
    place = f" --workspace {shlex.quote(workspace)}" if workspace else ""
    return f"nmt run --config {shlex.quote(config)}{place}"


def program() -> str:
    """Returns the user's name for this program: `nmt` if it is on the path, else its path."""
    called = sys.argv[0]
    on_path = shutil.which("nmt")
    if on_path and os.path.exists(called) and os.path.samefile(on_path, called):
        return "nmt"
    return (
        "python -m pipeline"
        if called.endswith("__main__.py")
        else shlex.quote(os.path.relpath(called))
    )


def _is_default(workspace: Workspace) -> bool:
    try:
        return workspace == Workspace.resolve(None)
    except UserError:
        return False  # the default is unusable, for instance for its path
