"""`nmt serve`: the live model over gRPC and REST, on this machine."""

import asyncio
import os
import sys
from typing import Annotated

import typer

from pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, OverridesOption, WorkspaceOption
from pipeline.config.settings import load_config
from pipeline.errors import UserError
from pipeline.next_command import run_command
from pipeline.workspace import Workspace, is_remote
from serving.server.settings import (
    DEFAULT_PORT,
    DEFAULT_REST_PORT,
    BatchSettings,
    ServerSettings,
)
from serving.versions.directory import list_versions
from text.visible import visible

_DEFAULTS = ServerSettings(model_name="", model_directory="")
_BATCHING = BatchSettings()
_MEBIBYTE = 1 << 20


def serve(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="A folder of versions other than the workspace's."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 lets other machines in.")
    ] = _DEFAULTS.host,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port of gRPC; 0 takes a free one.")
    ] = DEFAULT_PORT,
    rest_port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port of REST and metrics.")
    ] = DEFAULT_REST_PORT,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name to ask REST under; repeatable."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Start without a model and wait for the first.")
    ] = False,
    versions: Annotated[
        int, typer.Option(min=1, help="Number of newest versions to serve.")
    ] = _DEFAULTS.latest_versions,
    poll_seconds: Annotated[
        float, typer.Option(min=0.05, help="Seconds between two checks for new versions.")
    ] = _DEFAULTS.poll_seconds,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict/--lenient",
            help="Reject requests that TensorFlow Serving would not answer: without texts, or with "
            "more than --max-batch-size.",
        ),
    ] = _BATCHING.strict,
    max_batch_size: Annotated[
        int, typer.Option(min=1, help="Largest number of texts in one call of the model.")
    ] = _BATCHING.max_batch_size,
    batch_timeout_ms: Annotated[
        float, typer.Option(min=0, help="Milliseconds to wait for more texts of a batch.")
    ] = _BATCHING.batch_timeout_seconds * 1000,
    max_queued: Annotated[
        int, typer.Option(min=1, help="Texts in the queue before requests are rejected.")
    ] = _BATCHING.max_queued_rows,
    workers: Annotated[
        int, typer.Option(min=1, help="Batches to run at the same time, each on a core.")
    ] = _BATCHING.workers,
    max_message_mb: Annotated[
        int, typer.Option(min=1, max=2047, help="The largest request and reply, in MiB.")
    ] = _DEFAULTS.max_message_bytes // _MEBIBYTE,
    grace_seconds: Annotated[
        float, typer.Option(min=0, help="Seconds for open requests to finish when the server ends.")
    ] = _DEFAULTS.grace_seconds,
) -> None:
    """Serve the live model and each newer one over gRPC and REST, like TensorFlow Serving."""
    name = load_config(config, overrides or (), workspace).name
    folder = model if model is not None else Workspace.resolve(workspace).models(name)
    settings = ServerSettings(
        model_name=name,
        model_directory=folder,
        host=host,
        port=port,
        rest_port=rest_port,
        allowed_hosts=frozenset(allow_host or ()),
        latest_versions=versions,
        poll_seconds=poll_seconds,
        wait_for_model=wait,
        max_message_bytes=max_message_mb * _MEBIBYTE,
        grace_seconds=grace_seconds,
        batching=BatchSettings(
            strict=strict,
            max_batch_size=max_batch_size,
            batch_timeout_seconds=batch_timeout_ms / 1000,
            max_queued_rows=max_queued,
            workers=workers,
        ),
    )
    advice = f"train one with `{run_command(config, workspace)}` first, or give --wait"
    check_folder(folder, wait, "`nmt serve` serves local folders only", advice)
    _run(settings)


def check_folder(folder: str, wait: bool, if_remote: str, if_empty: str) -> None:
    """Rejects a folder without a usable version, before TensorFlow is loaded for seconds.

    Args:
        folder: the folder of versions.
        wait: whether the folder may be empty.
        if_remote: the remedy for a remote folder.
        if_empty: the remedy for a folder without a usable version.

    Raises:
        UserError: the folder is remote, cannot be read, or holds no usable version.
    """
    if is_remote(folder):
        raise UserError(f"{folder} is remote: {if_remote}.")
    if wait:
        return
    try:
        found = list_versions(folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror}.") from error
    if not any(version.complete for version in found):
        broken = "".join(f"; version {each.number}: {each.problem}" for each in found)
        raise UserError(f"There is no model in {folder}{broken}: {if_empty}.")


def _run(settings: ServerSettings) -> None:
    # Imported late: gRPC and the web server take a while, and a wrong folder shall fail at once.
    from serving.server.ports import StartError, address
    from serving.server.server import ModelServer, serve

    name = settings.model_name

    def started(server: ModelServer) -> None:
        if not server.versions.available():
            say(f"{name}: no version yet; waiting for one.")
        say(f"gRPC: {address(settings.host, server.port)}")
        say(f"REST: http://{address(settings.host, server.rest_port)}/v1/models/{name}")

    say(f"Loading {name} from {settings.model_directory} ...")
    try:
        ending = asyncio.run(serve(settings, say, started))
    except StartError as error:
        raise UserError(str(error)) from error
    if ending.given_up:
        say(f"{ending.given_up} requests did not end within {settings.grace_seconds:g} s.")
    say("The server has ended.")
    if ending.has_threads:
        # A thread inside TensorFlow cannot be ended, and shall not keep the process alive.
        os._exit(0)


def say(sentence: str) -> None:
    """Prints a sentence and flushes, because the reader may be behind a pipe."""
    typer.echo(visible(sentence))
    sys.stdout.flush()
