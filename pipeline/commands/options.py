"""The options shared by several commands, with one name and one help text each."""

from typing import Annotated

import typer

TextsArgument = Annotated[
    list[str] | None, typer.Argument(help="Texts; without any, or with -, standard input.")
]
ConfigOption = Annotated[
    str,
    typer.Option(
        "--config",
        metavar="NAME|FILE",
        help="A configuration: shipped, of `nmt corpus`, or a YAML file.",
    ),
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
        help="The folder for everything a run makes (else NMT_WORKSPACE, else workspace).",
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="DIR", help="An exported model, or a folder of versions."),
]
VersionOption = Annotated[
    int | None, typer.Option("--version", metavar="N", help="A version other than the live one.")
]
ServerOption = Annotated[
    str | None,
    typer.Option("--server", metavar="HOST:PORT", help="Use this running model server, over gRPC."),
]
TlsOption = Annotated[bool, typer.Option("--tls", help="Encrypt the connection to --server.")]
RootCertificatesOption = Annotated[
    str | None,
    typer.Option(
        "--root-certificates",
        metavar="FILE",
        help="PEM of trusted issuers for --server; implies --tls.",
    ),
]
TokenFileOption = Annotated[
    str | None,
    typer.Option(
        "--token-file", metavar="FILE", help="A bearer token for --server (else NMT_TOKEN)."
    ),
]
TIMEOUT = typer.Option(
    "--timeout", metavar="SECONDS", min=0.1, help="Longest time for an answer of the server."
)
TimeoutOption = Annotated[float | None, TIMEOUT]
TargetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--target", metavar="TEXT", help="Your own translation; one for each text, in order."
    ),
]
InputOption = Annotated[
    str | None, typer.Option("--input", metavar="FILE", help="Read a file's lines; - for stdin.")
]
TargetInputOption = Annotated[
    str | None,
    typer.Option("--target-input", metavar="FILE", help="Translations, line by line, of --input."),
]
OutputOption = Annotated[
    str | None,
    typer.Option("--output", metavar="FILE", help="Write to a file; it appears when complete."),
]
BatchSizeOption = Annotated[
    int,
    typer.Option("--batch-size", min=1, help="Largest number of texts in one call of the model."),
]
GlossaryOption = Annotated[
    str | None,
    typer.Option(
        "--glossary",
        metavar="FILE",
        help="Terms that the translations must have: 'source term<TAB>target term' a line.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]

WorkersOption = Annotated[
    int,
    typer.Option(
        metavar="N", min=1, help="Processes for translation, each with a copy of the model."
    ),
]

DEFAULT_CONFIG = "debian"
DEFAULT_BATCH_SIZE = 32
