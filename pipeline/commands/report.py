"""`nmt report`: the verdicts of all runs as a table, a chart, or both on a page."""

import json
import os
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from pipeline.commands.line_files import write_whole
from pipeline.commands.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    OverridesOption,
    WorkspaceOption,
)
from pipeline.commands.text_streams import destination, require_writable
from pipeline.config.settings import load_config
from pipeline.errors import UserError
from pipeline.history.events import Event, Outcome, read_history
from pipeline.history.page import COLUMNS, NUMBERS, cells, draw_history
from pipeline.running.metadata_file import require_readable
from pipeline.running.record import open_store
from pipeline.workspace import Workspace, is_remote
from text.visible import visible, visible_json

_ENDINGS = (".html", ".svg", ".png")
_LEFT_OUT = {"compared with"}
"""Columns left out on a terminal, because only a page is wide enough."""
_NO_WIDTH = 10_000
_COLOURS = {
    Outcome.PUSHED: "green",
    Outcome.BLOCKED: "red",
    Outcome.FAILED: "red",
    Outcome.NOT_PUSHED: "yellow",
    Outcome.ROLLBACK: "cyan",
    Outcome.UNCHANGED: "dim",
}


def report(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    output_file: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write a page (.html) or the chart of scores (.svg, .png).",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the verdicts of all runs: pushed or blocked and by which check, and the rollbacks."""
    ending = os.path.splitext(output_file)[1].lower() if output_file else None
    if ending is not None and ending not in _ENDINGS:
        raise UserError(
            f"{output_file!r} ends with none of {', '.join(_ENDINGS)}: use one of these endings."
        )
    name = load_config(config, overrides or (), workspace).name
    events = _events(name, Workspace.resolve(workspace))
    if output_file:
        require_writable(output_file)
        write_whole(output_file, _drawn(name, events, str(ending)))
    if as_json:
        answer = {"pipeline": name, "events": [event.as_json() for event in events]}
        typer.echo(visible_json(json.dumps(answer, ensure_ascii=False, indent=2)))
    elif not output_file:
        _print(name, events)


def _events(name: str, workspace: Workspace) -> list[Event]:
    if is_remote(workspace.root):
        raise UserError(f"{workspace.root} is remote: `nmt report` reads local workspaces only.")
    events = []
    # Checked first, because ML Metadata would create a missing file.
    if os.path.exists(workspace.metadata):
        require_readable(workspace.metadata)
        events = read_history(
            open_store(workspace.metadata),
            name,
            serving_directory=workspace.models(name),
        )
    if not events:
        raise UserError(
            f"No run of {name} is recorded in {workspace.root}; `nmt run` makes the first one."
        )
    return events


def _drawn(name: str, events: list[Event], ending: str) -> bytes:
    # Imported late: matplotlib takes a second to load, and the table does not need it.
    from pipeline.history.chart import charted, draw_chart

    if ending == ".html":
        chart = draw_chart(name, events, "svg") if charted(events) else None
        return draw_history(name, events, chart).encode("utf-8")
    if not charted(events):
        raise UserError(f"No run of {name} has a score yet, so there is nothing to draw.")
    return draw_chart(name, events, "png" if ending == ".png" else "svg")


def _print(name: str, events: list[Event]) -> None:
    table = Table(box=None, pad_edge=False)
    columns = [column for column in COLUMNS if column not in _LEFT_OUT]
    for column in columns:
        justify: Literal["left", "right"] = "right" if column in NUMBERS else "left"
        table.add_column(column, justify=justify, no_wrap=column != "why", overflow="fold")
    for event in events:
        row = dict(zip(COLUMNS, cells(event), strict=True))
        table.add_row(*(visible(row[column]) for column in columns), style=_COLOURS[event.outcome])
    with destination(None) as output:
        console = Console(file=output, highlight=False, markup=False)
        if not console.is_terminal:
            # A file or a pipe has no limit of width.
            console = Console(file=output, highlight=False, markup=False, width=_NO_WIDTH)
        console.print(f"{name}: {len(events)} runs and rollbacks\n")
        console.print(table)
