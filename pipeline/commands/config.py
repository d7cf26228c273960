"""`nmt config`: the complete configuration of a run."""

import json
import sys

import typer

from pipeline.commands.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    OverridesOption,
    WorkspaceOption,
)
from pipeline.config.settings import load_config

app = typer.Typer(help="Show a complete configuration.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Show a complete configuration."""


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
