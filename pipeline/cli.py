"""The command line `nmt`: its commands, and the conversion of all errors to messages.

Nothing heavy is imported here: a command's module is loaded when the command is called.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Literal

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from pipeline import ending, failures
from pipeline.commands.lazy import LazyCommand
from pipeline.commands.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    OverridesOption,
    WorkspaceOption,
)
from text.visible import visible

_DISTRIBUTION = "attention-nmt"
INTERRUPTED = 130
BROKEN_PIPE = 141
"""Both as in a shell, for a program ended by SIGINT or SIGPIPE: 128 plus the signal's number."""

_LAZY_COMMANDS = (
    LazyCommand(
        "translate", "pipeline.commands.translate:translate", "Translate text with the live model."
    ),
    LazyCommand(
        "align",
        "pipeline.commands.align:align",
        "Align texts with their translations, word by word.",
    ),
    LazyCommand(
        "score", "pipeline.commands.score:score", "Score your own translations, pair by pair."
    ),
    LazyCommand(
        "heatmap",
        "pipeline.commands.heatmap:heatmap",
        "Show the attention of a translation, as a picture or here.",
    ),
    LazyCommand(
        "diagnose",
        "pipeline.commands.diagnose:diagnose",
        "Judge a corpus by the attention of its translations.",
    ),
    LazyCommand(
        "evaluate",
        "pipeline.commands.evaluate:evaluate",
        "Score a model on a test set, or compare two systems.",
    ),
    LazyCommand(
        "serve", "pipeline.commands.serve:serve", "Serve the live model over gRPC and REST."
    ),
    LazyCommand(
        "web", "pipeline.commands.web:web", "Show translations and their attention in a web page."
    ),
    LazyCommand(
        "corpus", "pipeline.commands.corpus:app", "Fetch a corpus, or import your own text."
    ),
    LazyCommand(
        "models",
        "pipeline.commands.models:app",
        "List and show the pushed models, or go back to an earlier one.",
    ),
    LazyCommand(
        "report", "pipeline.commands.report:report", "Show the verdicts of all runs, and a chart."
    ),
    LazyCommand(
        "compile",
        "pipeline.commands.compile:compile_",
        "Compile the pipeline for Kubeflow Pipelines.",
    ),
    LazyCommand(
        "submit", "pipeline.commands.submit:submit", "Run a compiled pipeline on a cluster."
    ),
    LazyCommand(
        "doctor", "pipeline.commands.doctor:doctor", "Check this machine and the workspace."
    ),
    LazyCommand(
        "config", "pipeline.commands.config:app", "Show a complete configuration, or make one."
    ),
)

app = typer.Typer(
    name="nmt",
    help="Train, judge, serve and explain an attention translation model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        try:
            version = metadata.version(_DISTRIBUTION)
        except metadata.PackageNotFoundError:
            version = "(not installed: run from its sources)"
        typer.echo(f"nmt {version}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Print the traceback of an error; allowed anywhere."),
    ] = False,
) -> None:
    """Declares the common options for the help; `main` takes `--debug` out of the arguments."""


@app.command()
def run(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    runner: Annotated[
        Literal["local", "beam"],
        typer.Option("--runner", help="The engine: TFX's local runner, or Apache Beam."),
    ] = "local",
    as_json: JsonOption = False,
) -> None:
    """Run the whole pipeline: from the corpus to a gated, pushed model."""
    from pipeline.config.settings import load_config
    from pipeline.workspace import Workspace

    settings = load_config(config, overrides or (), workspace)
    place = Workspace.resolve(workspace)
    # Imported late: TFX takes half a minute, and a wrong key shall fail at once.
    from pipeline.commands.run import run_pipeline

    raise typer.Exit(run_pipeline(settings, place, runner=runner, as_json=as_json))


def build() -> TyperGroup:
    """Returns the root command with all commands of `nmt`."""
    group = typer.main.get_group(app)
    for command in _LAZY_COMMANDS:
        group.add_command(command)
    return group


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: the arguments after `nmt`; by default those of the process.

    Returns:
        The exit status: 0, 1 for a failed run, 2 for bad input, 130 after Ctrl-C, 143 after
        SIGTERM, 129 after SIGHUP, 141 if the reader of the output has gone.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    remaining, debug = _take_debug(given)
    try:
        status = _invoke(remaining)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader has gone (`nmt ... | head`); Python's flush at exit must not raise either.
        _discard_output()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        _complain(ending.last_words(INTERRUPTED))
        return INTERRUPTED
    except ending.Ended as ended:
        _complain(ending.last_words(ended.status))
        return ended.status
    except Exception as error:
        if (ended_with := ending.received()) is not None:
            _complain(ending.last_words(ended_with))
            return ended_with
        if debug:
            sys.stderr.write(failures.format_traceback(error))
        status, sentence = failures.describe(error)
        _complain(sentence)
        return status


def _invoke(arguments: list[str]) -> int:
    """Runs a command and returns its exit status; passes the command's own exceptions on."""
    try:
        with build().make_context("nmt", arguments) as context:
            context.command.invoke(context)
        return 0
    except typer.Exit as error:
        return error.exit_code
    except typer.Abort:
        _complain("Aborted.")
        return failures.FAILED
    except TyperException as error:
        return _usage_error(error)


def _usage_error(error: TyperException) -> int:
    """Prints the error in the arguments and returns the exit status."""
    message = error.format_message()
    if not message or "\n" in message:
        # A group without a command: the message is its help, already printed by Rich.
        typer.echo(message, nl=bool(message), err=True)
        return error.exit_code
    context = getattr(error, "ctx", None)
    end = "" if message.endswith("?") else "."
    hint = f" Try '{context.command_path} --help'." if context else ""
    _complain(f"{message.rstrip('.')}{end}{hint}")
    return error.exit_code


def _take_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """Takes `--debug` out of the arguments, at any place before a `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [argument for argument in arguments[:end] if argument != "--debug"]
    return options + arguments[end:], len(options) < end


def _discard_output() -> None:
    """Points standard output to /dev/null, so buffered text raises no second error."""
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


def _complain(sentences: str) -> None:
    """Writes each line to standard error, after the program's name."""
    for line in sentences.split("\n"):
        typer.echo(f"nmt: {visible(line)}", err=True)
