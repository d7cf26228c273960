"""The options that commands share, so that each is spelled, explained and read in one way."""

from typing import Annotated

import typer

ConfigOption = Annotated[
    str,
    typer.Option("--config", metavar="NAME|FILE", help="A shipped configuration or a YAML file."),
]
OverridesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one key of the configuration, such as training.epochs=3; repeatable.",
    ),
]
WorkspaceOption = Annotated[
    str | None,
    typer.Option(
        "--workspace",
        metavar="DIR",
        help="The folder of everything a run makes (else NMT_WORKSPACE, else workspace).",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]

DEFAULT_CONFIG = "debian"
