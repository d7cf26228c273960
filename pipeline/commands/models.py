"""`nmt models`: lists and shows the pushed versions, and rolls back to an earlier one."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.commands.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    OverridesOption,
    WorkspaceOption,
)
from pipeline.config import strict_yaml
from pipeline.config.settings import load_config
from pipeline.errors import UserError
from pipeline.history.times import format_time
from pipeline.workspace import Workspace, is_remote
from serving.contract import layout
from serving.versions.directory import (
    ModelVersion,
    fingerprint,
    foreign_entries,
    list_versions,
    live_version,
    require_live_version,
    time_of,
)
from serving.versions.integrity import damage
from serving.versions.push import discard as remove_damaged
from serving.versions.push import roll_back
from serving.versions.records import VersionRecord, read_records, withdrawn_models
from serving.versions.store import LocalStore
from text.visible import visible, visible_json

_CARD_PLACES = (layout.MODEL_CARD, Path(layout.MODEL_CARD).name)


@dataclass(frozen=True)
class Journal:
    """The records about the versions of a folder."""

    of: dict[int, VersionRecord]
    """The push or rollback behind each version, by version number."""
    withdrawn: dict[str, VersionRecord]
    """The rollback behind each withdrawn model, by the model's fingerprint."""

    @classmethod
    def read(cls, folder: str) -> "Journal":
        """Reads the journal of a serving directory."""
        records = read_records(folder)
        known = {record.version: record for record in records if record.happened}
        return cls(known, withdrawn_models(records))

    def taken_back(self, version: ModelVersion) -> VersionRecord | None:
        """Returns the rollback behind a withdrawn version, or None if it is not withdrawn.

        A model made live again since is not withdrawn.
        """
        if not self.withdrawn or not version.complete:
            return None
        record = self.of.get(version.number)
        return self.withdrawn.get(record.fingerprint if record else fingerprint(version.path))


app = typer.Typer(
    help="List and show the pushed models, or go back to an earlier one.", no_args_is_help=True
)


@app.command("list")
def list_models(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the versions in the serving directory; a server serves the live one."""
    name, folder = _serving_directory(config, overrides, workspace)
    live, journal = live_version(folder), Journal.read(folder)
    versions = [_summary(version, live, journal) for version in list_versions(folder)]
    ignored = [{"name": entry.name, "reason": entry.reason} for entry in foreign_entries(folder)]
    if as_json:
        _print_json({"model": name, "folder": folder, "versions": versions, "ignored": ignored})
        return
    if not versions:
        typer.echo(f"No version of {name} lies in {folder} yet; `nmt run` makes one.")
    width = max((len(str(version["version"])) for version in versions), default=0)
    for version in versions:
        state = version["problem"] or "complete"
        if version["live"]:
            state = f"live, but {version['problem']}" if version["problem"] else "live"
        pushed = version["pushed"] or "-"
        notes = [state]
        if version["rollback"]:
            notes.append(_rollback_note(version["rollback"]))
        if version["taken_back"]:
            notes.append(_taken_back_note(version["taken_back"]))
        typer.echo(visible(f"{version['version']:>{width}}  {pushed:<20}  {'; '.join(notes)}"))
    for entry in ignored:
        typer.echo(visible(f"{entry['name']} is passed over: {entry['reason']}."))


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
    """Show one version: its folder, its size and its model card."""
    name, folder = _serving_directory(config, overrides, workspace)
    chosen = _find(folder, name, version) if version is not None else require_live_version(folder)
    details = {
        "model": name,
        **_summary(chosen, live_version(folder), Journal.read(folder)),
        "bytes": sum(
            file.stat().st_size for file in Path(chosen.path).rglob("*") if file.is_file()
        ),
        "card": _read_card(chosen.path),
    }
    if as_json:
        _print_json(details)
    else:
        typer.echo(visible(strict_yaml.dump(details)), nl=False)


@app.command()
def rollback(
    version: Annotated[
        int | None,
        typer.Argument(
            metavar="[VERSION]", help="By default the latest earlier one not taken back itself."
        ),
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why, for the journal.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an earlier version live again, under a new number; no run pushes the replaced model."""
    name, folder = _serving_directory(config, overrides, workspace)
    if version is None:
        require_live_version(folder)
    elif not list_versions(folder):
        # Fails before anything is written: a wrong workspace shall get no new folder.
        _find(folder, name, version)
    record = roll_back(folder, LocalStore(), to=version, reason=reason)
    if as_json:
        _print_json({"model": name, "folder": folder, **record.model_dump(mode="json")})
        return
    typer.echo(
        f"Version {record.restored} of {name} is live again, as version {record.version}. Servers "
        "that watch the folder load it now."
    )
    if record.withdrawn:
        numbers = ", ".join(str(number) for number in sorted(record.withdrawn.values()))
        typer.echo(
            f"Taken back: {numbers}. No run pushes that again; `nmt models rollback "
            f"{max(record.withdrawn.values())}` does."
        )


@app.command()
def discard(
    version: Annotated[int, typer.Argument(metavar="VERSION")],
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Remove a damaged version; the one before it is live then, and the next run's baseline."""
    name, folder = _serving_directory(config, overrides, workspace)
    _find(folder, name, version)
    problem = remove_damaged(folder, LocalStore(), version)
    live = live_version(folder)
    now = f"Version {live.number} is live." if live else "No version is live; `nmt run` makes one."
    typer.echo(visible(f"Version {version} of {name} was removed, because {problem}. {now}"))


def _serving_directory(
    config: str, overrides: list[str] | None, workspace: str | None
) -> tuple[str, str]:
    """Returns the model's name and the folder of its versions."""
    name = load_config(config, overrides or (), workspace).name
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


def _summary(version: ModelVersion, live: ModelVersion | None, journal: Journal) -> dict[str, Any]:
    """Returns the fields of a version for both `list` and `show`."""
    record = journal.of.get(version.number)
    taken_back = journal.taken_back(version)
    return {
        "version": version.number,
        "live": live is not None and version.path == live.path,
        "pushed": format_time(record.time) if record else _pushed(version.number),
        "by": record.by if record else None,
        "rollback": _account(record) if record and record.action == "rollback" else None,
        "taken_back": _account(taken_back) if taken_back else None,
        "problem": version.problem or damage(version.path),
        "path": version.path,
    }


def _pushed(number: int) -> str | None:
    time = time_of(number)
    return None if time is None else format_time(time)


def _account(rollback: VersionRecord) -> dict[str, Any]:
    """Returns the details of a rollback: the restored version, time, author and reason."""
    return {
        "restored": rollback.restored,
        "as": rollback.version,
        "time": format_time(rollback.time),
        "by": rollback.by,
        "reason": rollback.reason,
    }


def _rollback_note(account: dict[str, Any]) -> str:
    return f"{account['restored']} again, by {account['by']}{_why(account)}"


def _taken_back_note(account: dict[str, Any]) -> str:
    return f"taken back for {account['as']} by {account['by']}{_why(account)}"


def _why(account: dict[str, Any]) -> str:
    return f" ({account['reason']})" if account["reason"] else ""


def _read_card(version_folder: str) -> Any:
    """Reads the model card of an export; None if it has none."""
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
    typer.echo(visible_json(json.dumps(answer, ensure_ascii=False, indent=2)))
