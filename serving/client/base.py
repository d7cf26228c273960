"""The settings shared by the clients for threads and for asyncio; nothing here blocks."""

import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import grpc

from serving.client.connection import (
    DEFAULT_KEEPALIVE_SECONDS,
    DEFAULT_MAX_MESSAGE_BYTES,
    Connection,
    Tls,
)
from serving.client.errors import (
    ClientClosed,
    InvalidSettings,
    ServingError,
    UnsuitableModel,
    error_of_status,
)
from serving.client.model_info import ModelChoice, ModelMetadata
from serving.client.requests import require_several
from serving.client.retry import RetryPolicy
from serving.segments.splitting import Languages, SplitTexts
from text.glossary import Glossary

DEFAULT_TIMEOUT = 60.0
_HEADER_NAME = re.compile("[0-9a-z_.-]+")
_HEADER_VALUE = re.compile("[ -~]*")
"""Both as in gRPC over HTTP/2 (doc/PROTOCOL-HTTP2.md)."""


class ConfiguredClient:
    """The checked settings of a client, and values derived from them."""

    def __init__(
        self,
        address: str,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        tls: Tls | None = None,
        authority: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        retry: RetryPolicy | None = None,
        batch_size: int = 32,
        max_in_flight: int = 4,
        max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
        keepalive_seconds: float = DEFAULT_KEEPALIVE_SECONDS,
        languages: Languages = (None, None),
    ):
        """Creates a client, which connects at the first call.

        Args:
          address: `HOST:PORT` of the server's gRPC, by default port 8500.
          model: the model's name on the server.
          version: the number of the version to use; without it and `label`, the server's live one.
          label: the version to use, by a label from the server's configuration.
          tls: encryption of the connection; None for plain text.
          authority: the host name known to the server's certificate and proxies, if it differs
            from the address.
          headers: sent with every call, such as `{"authorization": "Bearer ..."}`.
          timeout: seconds for each request to the server, including all its attempts; a list longer
            than a batch takes several requests. Infinity for no limit.
          retry: number and delays of the attempts while no server answers.
          batch_size: texts per request; it changes the speed, never an answer.
          max_in_flight: most requests of this client in flight at a time.
          max_message_bytes: the largest request or reply. An attention matrix grows with the
            product of both lengths.
          keepalive_seconds: silence during a call after which the client pings the server. Below
            300, TensorFlow Serving closes the connection unless it is configured to allow it.
          languages: codes of source and target. They tell where sentences end, and whether a space
            stands between two; without them, the rules are those of English.

        Raises:
          InvalidSettings: a value or a file of `tls` is invalid.
        """
        for name, value in (("batch_size", batch_size), ("max_in_flight", max_in_flight)):
            if value < 1:
                raise InvalidSettings(f"{name} must be at least 1, not {value}.")
        self._connection = Connection(
            address, tls, authority, max_message_bytes, keepalive_seconds, retry or RetryPolicy()
        )
        self._model = ModelChoice(model, version, label)
        self._headers = tuple(_checked_header(*header) for header in (headers or {}).items())
        self._languages = languages
        self._timeout = _checked_timeout(timeout)
        self._batch_size = batch_size
        self._max_in_flight = max_in_flight
        self._is_closed = False
        self._open()

    def _open(self) -> None:
        """Creates the members of the subclass."""
        raise NotImplementedError

    @property
    def _window(self) -> int:
        """Number of texts of a stream in one window; the next window is sent ahead."""
        return self._batch_size * self._max_in_flight

    def _split(
        self, texts: Sequence[str | bytes], split: bool, glossary: Glossary | None
    ) -> SplitTexts:
        require_several(texts)
        return SplitTexts(texts, self._languages, split=split, glossary=glossary)

    def _require_open(self) -> None:
        if self._is_closed:
            raise ClientClosed(
                f"The client of {self._connection.address} is closed: create a new one."
            )

    def _seconds(self, timeout: float | None) -> float:
        """Returns the timeout of a call: the given one, or else the client's."""
        return self._timeout if timeout is None else _checked_timeout(timeout)

    def _settings(self, timeout: float) -> dict[str, Any]:
        """Returns the gRPC arguments of every call; the timeout covers all its attempts."""
        return {"timeout": None if timeout == math.inf else timeout, "metadata": self._headers}

    def _attempts(self, texts: int, timeout: float) -> Iterator[tuple[int, float]]:
        """Yields the rows and the timeout of each attempt at a request, until one succeeds.

        TensorFlow Serving fails a whole batch for one malformed request in it. Empty texts fill a
        repeated request up to a full batch, which no other request can join.
        """
        end = time.monotonic() + timeout
        yield texts, timeout
        for _ in range(self._connection.retry.attempts - 1):
            if (left := end - time.monotonic()) <= 0:
                return
            yield max(texts, self._batch_size), left

    def _error_of(self, error: grpc.RpcError, timeout: float) -> ServingError:
        """Converts a gRPC exception, with its status and details, to a `ServingError`."""
        return error_of_status(
            error.code(),
            error.details(),
            address=self._connection.address,
            model=str(self._model),
            timeout=timeout,
        )

    def _checked(self, metadata: ModelMetadata) -> ModelMetadata:
        """Returns the metadata, if the model has the signatures of the contract.

        Raises:
          UnsuitableModel: it does not.
        """
        problems = metadata.problems()
        if problems:
            raise UnsuitableModel(
                f"At {self._connection.address}, {self._model} is not a translation model of this "
                f"project ({'; '.join(problems)}): use another model, or export and push it again."
            )
        return metadata


def _checked_header(name: str, value: str) -> tuple[str, str]:
    if not _HEADER_NAME.fullmatch(name.lower()):
        raise InvalidSettings(
            f"The header {name!r} needs a name of letters, digits, hyphens, dots and underscores."
        )
    # The value may be a secret.
    if not _HEADER_VALUE.fullmatch(value):
        raise InvalidSettings(f"The header {name!r} needs a value of printable ASCII characters.")
    return name.lower(), value


def _checked_timeout(seconds: float) -> float:
    if not seconds > 0:
        raise InvalidSettings(f"A timeout must be more than 0 seconds, not {seconds:g}.")
    return seconds
