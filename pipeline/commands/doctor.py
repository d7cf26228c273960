"""`nmt doctor`: checks this machine and the workspace, and takes away what is damaged."""

from typing import Annotated

import typer

from pipeline.commands.options import WorkspaceOption
from pipeline.errors import UserError
from pipeline.workspace import Workspace, is_remote
from text.visible import visible

_MARKS = {"good": "ok  ", "note": "note", "damaged": "BAD "}


def doctor(
    workspace: WorkspaceOption = None,
    fix: Annotated[
        bool,
        typer.Option(
            "--fix", help="Take away what is damaged, so that the next run makes it again."
        ),
    ] = False,
) -> None:
    """Check this machine and the workspace. The status is 1 if something is damaged."""
    place = Workspace.resolve(workspace)
    if is_remote(place.root):
        raise UserError(f"The workspace {place.root} is remote: only a local one can be checked.")
    # Imported late: ML Metadata takes seconds.
    from pipeline.health import environment, workspace_files

    left = 0
    for check in (environment, workspace_files):
        for finding in check(place):
            typer.echo(visible(f"{_MARKS[finding.state]}  {finding.sentence}"))
            if finding.state != "damaged":
                continue
            if fix and finding.fix is not None:
                finding.fix()
                typer.echo("      taken away")
            else:
                left += 1
    if left:
        remedy = "" if fix else "; those that a run can make again are taken away by --fix"
        typer.echo(f"{left} damaged{remedy}.", err=True)
        raise typer.Exit(1)
