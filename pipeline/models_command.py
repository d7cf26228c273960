"""`nmt models`: the versions that were pushed, which one is live, what each says about itself."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline import strict_yaml
from pipeline.config import load_config
from pipeline.errors import UserError
from pipeline.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    OverridesOption,
    WorkspaceOption,
)
from pipeline.workspace import Workspace, is_remote
from serving.model_directory import (
    ModelVersion,
    foreign_entries,
    list_versions,
    live_version,
    require_live_version,
)

_CARD_PLACES = ("assets.extra/model_card.json", "model_card.json")
_EARLIEST_TIMESTAMP = 1_000_000_000
_LATEST_TIMESTAMP = 10_000_000_000

app = typer.Typer(help="List and show the pushed models.", no_args_is_help=True)


@app.command("list")
def list_models(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the versions in the serving directory; the live one is what a server serves."""
    name, folder = _serving_directory(config, overrides, workspace)
    live = live_version(folder)
    versions = [_summary(version, live) for version in list_versions(folder)]
    ignored = [{"name": entry.name, "reason": entry.reason} for entry in foreign_entries(folder)]
    if as_json:
        _print_json({"model": name, "folder": folder, "versions": versions, "ignored": ignored})
        return
    if not versions:
        typer.echo(f"No version of {name} lies in {folder} yet; `nmt run` makes one.")
    width = max((len(str(version["version"])) for version in versions), default=0)
    for version in versions:
        state = "live" if version["live"] else version["problem"] or "complete"
        pushed = version["pushed"] or "-"
        typer.echo(f"{version['version']:>{width}}  {pushed:<20}  {state}")
    for entry in ignored:
        typer.echo(f"{entry['name']} is passed over: {entry['reason']}.")


@app.command()
def show(
    version: Annotated[
        int | None, typer.Argument(metavar="[VERSION]", help="By default the live version.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one version: where it lies, its size and its model card."""
    name, folder = _serving_directory(config, overrides, workspace)
    chosen = _find(folder, name, version) if version is not None else require_live_version(folder)
    details = {
        "model": name,
        **_summary(chosen, live_version(folder)),
        "bytes": sum(
            file.stat().st_size for file in Path(chosen.path).rglob("*") if file.is_file()
        ),
        "card": _read_card(chosen.path),
    }
    if as_json:
        _print_json(details)
    else:
        typer.echo(strict_yaml.dump(details), nl=False)


def _serving_directory(
    config: str, overrides: list[str] | None, workspace: str | None
) -> tuple[str, str]:
    """The model's name and the folder of its versions."""
    name = load_config(config, overrides or ()).name
    folder = Workspace.resolve(workspace).models(name)
    if is_remote(folder):
        raise UserError(f"{folder} is remote: `nmt models` reads local workspaces only.")
    return name, folder


def _find(folder: str, name: str, number: int) -> ModelVersion:
    versions = list_versions(folder)
    for version in versions:
        if version.number == number:
            return version
    known = ", ".join(str(version.number) for version in versions) or "none yet"
    raise UserError(f"There is no version {number} of {name} in {folder}; versions: {known}.")


def _summary(version: ModelVersion, live: ModelVersion | None) -> dict[str, Any]:
    """What both commands tell about a version."""
    return {
        "version": version.number,
        "live": live is not None and version.path == live.path,
        "pushed": _pushed(version.number),
        "problem": version.problem,
        "path": version.path,
    }


def _pushed(number: int) -> str | None:
    """When a version was pushed: Pusher counts the seconds since 1970, people may count else."""
    if not _EARLIEST_TIMESTAMP <= number < _LATEST_TIMESTAMP:
        return None
    return datetime.fromtimestamp(number, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_card(version_folder: str) -> Any:
    """The model card of an export, or None where it has none."""
    for place in _CARD_PLACES:
        path = Path(version_folder, place)
        if not path.is_file():
            continue
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(f"{path} is not a model card, it is not JSON: {error}.") from error
    return None


def _print_json(answer: dict[str, Any]) -> None:
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
