"""Options, exit status and output of the benchmark programs."""

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.line_files import written_whole
from pipeline.errors import RunFailedError, UserError
from serving.local.saved_model import ModelCallError, ModelLoadError

RESULTS = Path(__file__).resolve().parents[1] / "results"

OutputOption = Annotated[
    Path,
    typer.Option(
        "--output",
        metavar="FOLDER",
        help="Where the results are written.",
        show_default="benchmarks/results",
    ),
]
ExportOption = Annotated[
    str | None,
    typer.Option("--model", metavar="DIR", help="An exported model; by default the live one."),
]
InParallelOption = Annotated[
    bool,
    typer.Option("--in-parallel", help="Train systems at the same time, each on separate cores."),
]


def run_program(main: Callable[..., None]) -> None:
    """Runs a program with the command line's arguments and ends the process.

    The exit status is as for `nmt`: 0, 1 for a failed run or check, 2 for wrong input. An error is
    printed as one sentence on standard error.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    try:
        app()
    except (UserError, RunFailedError, ModelLoadError, ModelCallError) as error:
        print(error, file=sys.stderr)
        sys.exit(2 if isinstance(error, UserError) else 1)


def reproducing_command(module: str, options: Sequence[tuple[str, object]]) -> str:
    """Returns the command for repeating a measurement, for readers of the results.

    Args:
      module: name of the program below `benchmarks`.
      options: names and values of the options with an effect on the measurement; for a switch,
        whether it is on.
    """
    words = [".venv/bin/python", "-m", f"benchmarks.{module}"]
    for name, value in options:
        if value is True:
            words.append(name)
        elif value is not False:
            words += [name, str(value)]
    return shlex.join(words)


def write_result(folder: Path, name: str, text: str) -> Path:
    """Writes a text file of results atomically, and prints the text too.

    Raises:
      UserError: the file cannot be written.
    """
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with written_whole(str(path)) as file:
            file.write(text)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{path} cannot be written ({reason}): give another --output.") from error
    print(text)
    return path
