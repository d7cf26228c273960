"""`nmt config`: the complete configuration of a run."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    OverridesOption,
    WorkspaceOption,
)
from pipeline.config.settings import load_config, shipped_configs
from pipeline.errors import UserError
from pipeline.next_command import next_command
from pipeline.workspace import Workspace
from text.visible import visible

app = typer.Typer(help="Show a complete configuration, or make one.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Show a complete configuration, or make one."""


@app.command()
def make(
    name: Annotated[str, typer.Argument(help="The name of a corpus, such as debian-ja.")],
    workspace: WorkspaceOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the configuration even if it was edited.")
    ] = False,
) -> None:
    """Make the configuration of a corpus, as `nmt corpus` does for each new one."""
    from pipeline.commands.made_lines import make_and_tell
    from pipeline.config.made import configuration_name
    from pipeline.corpora.folder import read_information

    place = Workspace.resolve(workspace)
    folder = Path(place.corpus(name))
    corpus = read_information(folder)
    if corpus.name in shipped_configs():
        raise UserError(f"{corpus.name} has a shipped configuration: see `nmt config show`.")
    lines = make_and_tell(corpus, folder, place, force=force)
    lines["next"] = next_command("run", configuration_name(corpus.name), place)
    for label, line in lines.items():
        typer.echo(visible(f"{label:<9} {line}"))


@app.command()
def show(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print every key with its explanation and its value as YAML, after the overrides."""
    settings = load_config(config, overrides or (), workspace)
    if as_json:
        values = settings.model_dump(mode="json", by_alias=True)
        typer.echo(json.dumps(values, ensure_ascii=False, indent=2))
    else:
        sys.stdout.write(settings.as_yaml())
