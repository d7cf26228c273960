"""`nmt web`: a web page with translations and their attention."""

import asyncio
import ipaddress
import os
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.chosen_model import refuse_with_server, server_tls
from pipeline.commands.line_files import read_lines
from pipeline.commands.options import (
    DEFAULT_CONFIG,
    TIMEOUT,
    ConfigOption,
    GlossaryOption,
    OverridesOption,
    RootCertificatesOption,
    ServerOption,
    TlsOption,
    WorkspaceOption,
)
from pipeline.commands.serve import check_folder, say
from pipeline.config.settings import PipelineConfig, load_config
from pipeline.errors import UserError
from pipeline.next_command import run_command
from pipeline.workspace import Workspace, is_remote
from serving.server.settings import ServerSettings
from serving.web.settings import DEFAULT_HOST, DEFAULT_PORT, WebSettings
from text.glossary import Glossary

_MOST_EXAMPLES = 24
_SECONDS_TO_END = 2.0
"""Time for running translations when the page ends; short, as nobody reads their results."""


def web(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: OverridesOption = None,
    workspace: WorkspaceOption = None,
    server: ServerOption = None,
    tls: TlsOption = False,
    root_certificates: RootCertificatesOption = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="A folder of versions other than the workspace's."),
    ] = None,
    versions: Annotated[
        int, typer.Option(min=1, help="Number of newest versions to load, for comparison.")
    ] = 2,
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 lets other machines in.")
    ] = DEFAULT_HOST,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port of the page; 0 takes a free one.")
    ] = DEFAULT_PORT,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name to open the page under; repeatable."),
    ] = None,
    examples: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Sentences for the page to offer, one on each line."),
    ] = None,
    glossary_file: GlossaryOption = None,
    suggestions: Annotated[
        bool,
        typer.Option("--suggestions", help="Collect better translations that other programs send."),
    ] = False,
    timeout: Annotated[float, TIMEOUT] = 30.0,
) -> None:
    """Show translations and their attention in a web page, from the live model or a server."""
    refuse_with_server(server, model=model)
    settings = load_config(config, overrides or (), workspace)
    page = WebSettings(
        server=server or "",
        model=settings.name,
        tls=server_tls(server, tls, root_certificates),
        timeout=timeout,
        host=host,
        port=port,
        allowed_hosts=frozenset(allow_host or ()),
        source_language=settings.data.source_language,
        target_language=settings.data.target_language,
        examples=_examples(examples, settings),
        glossary=None if glossary_file is None else Glossary.read(glossary_file),
        suggest=_collector(settings, workspace) if suggestions else None,
    )
    own_server = None
    if server is None:
        folder = model if model is not None else Workspace.resolve(workspace).models(settings.name)
        command = run_command(config, workspace)
        advice = f"train one with `{command}` first, or name a --server that has it"
        check_folder(folder, False, "name a --server that serves it", advice)
        own_server = ServerSettings(
            model_name=settings.name,
            model_directory=folder,
            port=0,
            rest_port=0,
            latest_versions=versions,
            grace_seconds=_SECONDS_TO_END,
        )
    _run(page, own_server)


def _run(page: WebSettings, own_server: ServerSettings | None) -> None:
    # Imported late: gRPC and the web server take a while, and a wrong option shall fail at once.
    from serving.client.errors import InvalidSettings
    from serving.server.ports import StartError
    from serving.web.program import serve_page

    if own_server is not None:
        say(f"Loading {page.model} from {own_server.model_directory} ...")
    if not _is_loopback(page.host):
        say("Everybody who can reach this machine can use the page: it asks for no password.")
    try:
        has_threads = asyncio.run(serve_page(page, own_server, say))
    except (StartError, InvalidSettings) as error:
        raise UserError(str(error)) from error
    say("The page has ended.")
    if has_threads:
        # A thread inside TensorFlow cannot be ended, and shall not keep the process alive.
        os._exit(0)


def _collector(settings: PipelineConfig, workspace: str | None) -> Callable[[str, str], None]:
    """Returns the function that stores a suggestion for the corpus of a configuration."""
    from components.parallel_text import LineLimits
    from pipeline.corpora.suggestions import SuggestionFile

    data = settings.data
    folder = Workspace.resolve(workspace).corpus(data.corpus)
    if is_remote(folder):
        raise UserError(f"{folder} is remote: --suggestions needs a corpus on a local disk.")
    limits = LineLimits(data.max_words, data.max_characters, data.max_length_ratio)
    file = SuggestionFile(Path(folder), limits)
    say(f"Suggestions are collected in {file.path}.")
    return file.add


def _examples(path: str | None, settings: PipelineConfig) -> tuple[str, ...]:
    """Reads the example sentences: the user's, else ours for the corpus or the language."""
    if path is not None:
        try:
            with open(path, "rb") as file:
                lines = [line.strip() for line in read_lines(file)]
        except OSError as error:
            raise UserError(f"--examples: {path} cannot be read ({error.strerror}).") from error
    else:
        folder = resources.files("pipeline.commands") / "example_sentences"
        corpus = os.path.basename(settings.data.corpus)
        own = "debian" if corpus.startswith("debian-") else corpus
        names = (own, settings.data.source_language)
        files = [folder / f"{name}.txt" for name in names]
        found = next((file for file in files if file.is_file()), None)
        lines = found.read_text(encoding="utf-8").splitlines() if found else []
    return tuple(line for line in lines if line)[:_MOST_EXAMPLES]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
