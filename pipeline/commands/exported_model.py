"""Finds the exported model for a command."""

import os

from pipeline.config.settings import load_config
from pipeline.errors import UserError
from pipeline.next_command import run_command
from pipeline.workspace import Workspace, is_remote
from serving.contract import layout
from serving.versions.directory import list_versions
from serving.versions.integrity import require_undamaged


def find_model(
    config: str,
    overrides: list[str] | None,
    workspace: str | None,
    model: str | None,
    version: int | None,
) -> str:
    """Finds the folder of an exported model, and compares a pushed version with its push.

    Args:
        config: the value of `--config`; its `name` selects the models of the workspace.
        overrides: the values of `--set`.
        workspace: the value of `--workspace`.
        model: the value of `--model`: an exported model or a folder of versions, used instead of
          the workspace.
        version: the value of `--version`; None for the live version.

    Raises:
        UserError: the model does not exist; the message gives a remedy.
        DamagedVersionError: the version is not what was pushed.
    """
    if model is not None and version is None and _is_export(model):
        folder = model
    elif model is not None:
        advice = "give the folder of an exported model with --model"
        folder = _choose(model, version, advice)
    else:
        name = load_config(config, overrides or (), workspace).name
        advice = f"train one with `{run_command(config, workspace)}` first"
        folder = _choose(Workspace.resolve(workspace).models(name), version, advice)
    if not is_remote(folder):
        require_undamaged(os.path.abspath(folder))
    return folder


def _is_export(model: str) -> bool:
    """Whether a folder is a single exported model; a remote one cannot be listed, so it must be."""
    return is_remote(model) or os.path.isfile(os.path.join(model, layout.SAVED_MODEL))


def _choose(versions: str, version: int | None, advice: str) -> str:
    """Returns the folder of a version, by default the highest complete one."""
    if is_remote(versions):
        raise UserError(f"{versions} is remote: give the folder of one version with --model.")
    found = list_versions(versions)
    complete = {each.number: each.path for each in found if each.complete}
    if not complete:
        broken = "".join(f"; version {each.number}: {each.problem}" for each in found)
        raise UserError(f"There is no model in {versions}{broken}: {advice}.")
    if version is None:
        return complete[max(complete)]
    if version not in complete:
        known = ", ".join(map(str, sorted(complete)))
        raise UserError(f"There is no version {version} in {versions}; it holds {known}.")
    return complete[version]
