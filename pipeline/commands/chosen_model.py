"""The options that choose the model of a command: an exported model, or one on a model server."""

import contextlib
import functools
import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.commands.exported_model import find_model
from pipeline.commands.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    ModelOption,
    OverridesOption,
    RootCertificatesOption,
    ServerOption,
    TimeoutOption,
    TlsOption,
    TokenFileOption,
    VersionOption,
    WorkspaceOption,
)
from pipeline.config.settings import PipelineConfig, load_config
from pipeline.errors import UserError
from serving.contract.translation import ScoredTranslation, Translation
from serving.local.model import LocalModel, read_languages
from serving.segments.splitting import Languages
from text.glossary import Glossary

if TYPE_CHECKING:
    from serving.client import Tls

_TOKEN_VARIABLE = "NMT_TOKEN"
_TOKEN = re.compile("[!-~]+")
"""Visible ASCII: gRPC rejects other headers, with a message that shows them."""


class Model(Protocol):
    """The common methods of `LocalModel` and `TranslationClient`."""

    def translate(
        self,
        texts: Sequence[str],
        n_best: bool = False,
        *,
        split: bool = True,
        glossary: Glossary | None = None,
    ) -> list[Translation]:
        """Translates texts, each sentence of a text by itself if `split`."""

    def score(self, texts: Sequence[str], targets: Sequence[str]) -> list[ScoredTranslation]:
        """Scores given translations."""


@dataclass(frozen=True)
class ExportedModel:
    """An exported model, to be loaded in this process."""

    folder: str

    def __str__(self) -> str:
        return self.folder

    def open(self, batch_size: int) -> AbstractContextManager[Model]:
        """Loads the model.

        Raises:
            ModelLoadError: it cannot be loaded.
        """
        return contextlib.nullcontext(LocalModel(self.folder, batch_size))

    def languages(self) -> Languages:
        """Reads the languages from the model's card."""
        return read_languages(self.folder)


@dataclass(frozen=True)
class ServedModel:
    """A model on a running server."""

    server: str
    settings: PipelineConfig
    """Its name and its languages."""
    version: int | None
    tls: "Tls | None"
    headers: Mapping[str, str]
    timeout: float | None
    """None for the client's."""

    def open(self, batch_size: int) -> AbstractContextManager[Model]:
        """Creates a client, which connects at its first call.

        Raises:
            InvalidSettings: the address or a file of certificates is invalid.
        """
        from serving.client import TranslationClient  # imported late: exports need no gRPC
        from serving.client.base import DEFAULT_TIMEOUT

        return TranslationClient(
            self.server,
            self.settings.name,
            version=self.version,
            tls=self.tls,
            headers=self.headers,
            timeout=self.timeout or DEFAULT_TIMEOUT,
            languages=self.languages(),
            batch_size=batch_size,
        )

    def languages(self) -> Languages:
        """Returns the languages of the configuration; a server does not tell its model's."""
        return self.settings.data.source_language, self.settings.data.target_language

    def __str__(self) -> str:
        version = "" if self.version is None else f", version {self.version}"
        return f"{self.settings.name} on {self.server}{version}"


ChosenModel = ExportedModel | ServedModel


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """The values of the options; `with_model_options` gives them to a command."""

    config: ConfigOption = DEFAULT_CONFIG
    overrides: OverridesOption = None
    workspace: WorkspaceOption = None
    model: ModelOption = None
    version: VersionOption = None
    server: ServerOption = None
    tls: TlsOption = False
    root_certificates: RootCertificatesOption = None
    token_file: TokenFileOption = None
    timeout: TimeoutOption = None

    def choose(self) -> ChosenModel:
        """Finds the model, without loading it or connecting to it.

        Raises:
            UserError: the model does not exist, or the options do not fit together.
        """
        tls = server_tls(self.server, self.tls, self.root_certificates)
        require_server(self.server, token_file=self.token_file, timeout=self.timeout)
        refuse_with_server(self.server, model=self.model, workspace=self.workspace)
        if self.server is None:
            folder = find_model(
                self.config, self.overrides, self.workspace, self.model, self.version
            )
            return ExportedModel(folder)
        return ServedModel(
            server=self.server,
            settings=load_config(self.config, self.overrides or (), self.workspace),
            version=self.version,
            tls=tls,
            headers=_headers(self.token_file),
            timeout=self.timeout,
        )


def with_model_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command all options of `ModelOptions`, in place of its parameter `options`."""
    signature = inspect.signature(command)
    fields = inspect.signature(ModelOptions).parameters

    @functools.wraps(command)
    def run(*arguments: Any, **given: Any) -> None:
        values = {name: given.pop(name) for name in fields if name in given}
        command(*arguments, **given, options=ModelOptions(**values))

    parameters = [
        parameter
        for own in signature.parameters.values()
        for parameter in (fields.values() if own.name == "options" else [own])
    ]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return run


def server_tls(server: str | None, wanted: bool, root_certificates: str | None) -> "Tls | None":
    """Returns the encryption of the connection to a server; None for plain text.

    Raises:
        UserError: it is given without a server.
    """
    require_server(server, tls=wanted, root_certificates=root_certificates)
    if not wanted and root_certificates is None:
        return None
    # Read when gRPC is imported, which would log each failed handshake beside our sentence.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    from serving.client import Tls

    return Tls(root_certificates=root_certificates)


def require_server(server: str | None, **options: object) -> None:
    """Raises a `UserError` for an option that is given without `--server`."""
    if server is None:
        _refuse(options, "is for a model server: give --server too")


def refuse_with_server(server: str | None, **options: object) -> None:
    """Raises a `UserError` for an option that is given with `--server`."""
    if server is not None:
        _refuse(options, "is for a model of this machine: give it, or --server, not both")


def _refuse(options: Mapping[str, object], reason: str) -> None:
    for name, value in options.items():
        if value not in (None, False):
            raise UserError(f"--{name.replace('_', '-')} {reason}.")


def _headers(token_file: str | None) -> dict[str, str]:
    """Reads the bearer token from the file, or else from the environment."""
    if token_file is None:
        token, origin = os.environ.get(_TOKEN_VARIABLE, ""), _TOKEN_VARIABLE
        if not token:
            return {}
    else:
        try:
            token, origin = Path(token_file).read_text(encoding="utf-8"), repr(token_file)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise UserError(
                f"{token_file!r} cannot be read ({reason}): give another --token-file."
            ) from error
    if not _TOKEN.fullmatch(token.strip()):
        raise UserError(f"{origin} must hold a bearer token, one word of ASCII, and nothing else.")
    return {"authorization": f"Bearer {token.strip()}"}
