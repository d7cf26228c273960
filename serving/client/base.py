"""What the clients for threads and for asyncio have in common: their settings, and no waiting."""

import math
from collections.abc import Mapping
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
from serving.client.retry import RetryPolicy

DEFAULT_TIMEOUT = 60.0


class ConfiguredClient:
    """The settings of a client, checked, and what follows from them."""

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
    ):
        """Makes a client, which connects when it is first used.

        Args:
          address: `HOST:PORT` of the server's gRPC, by default port 8500.
          model: the model's name on the server.
          version: the version to ask, by number; without it and `label`, the server's live one.
          label: the version to ask, by a label from the server's configuration.
          tls: how the connection is encrypted; without it, it is not.
          authority: the host that the server's certificate and its proxies know, if the address has
            another.
          headers: sent along with every call, such as `{"authorization": "Bearer ..."}`.
          timeout: seconds for each request to the server, all its attempts together; a list longer
            than a batch takes several requests. Infinity for no limit.
          retry: how often, and after which delays, a request is repeated while no server answers.
          batch_size: how many texts go in one request; it changes the speed, never an answer.
          max_in_flight: how many batches of this client the server has to answer at a time.
          max_message_bytes: the largest request or reply. An attention matrix grows with the
            product of both lengths.
          keepalive_seconds: silence during a call after which the server is pinged. Below 300,
            TensorFlow Serving hangs up unless it is told to allow it.

        Raises:
          InvalidSettings: a value, or a file of `tls`, cannot work.
        """
        for name, value in (("batch_size", batch_size), ("max_in_flight", max_in_flight)):
            if value < 1:
                raise InvalidSettings(f"{name} must be at least 1, not {value}.")
        self._connection = Connection(
            address, tls, authority, max_message_bytes, keepalive_seconds, retry or RetryPolicy()
        )
        self._model = ModelChoice(model, version, label)
        self._headers = tuple((name.lower(), value) for name, value in (headers or {}).items())
        self._timeout = _checked_timeout(timeout)
        self._batch_size = batch_size
        self._max_in_flight = max_in_flight
        self._is_closed = False
        self._open()

    def _open(self) -> None:
        """Makes what the kind of client needs."""
        raise NotImplementedError

    @property
    def _window(self) -> int:
        """How many texts of a stream are sent at once; more of them wait to be read."""
        return self._batch_size * self._max_in_flight

    def _require_open(self) -> None:
        if self._is_closed:
            raise ClientClosed(
                f"The client of {self._connection.address} is closed: make a new one."
            )

    def _seconds(self, timeout: float | None) -> float:
        """Returns the timeout of a call."""
        return self._timeout if timeout is None else _checked_timeout(timeout)

    def _settings(self, timeout: float) -> dict[str, Any]:
        """Returns what every call is given, with the deadline of all its attempts."""
        return {"timeout": None if timeout == math.inf else timeout, "metadata": self._headers}

    def _error_of(self, error: grpc.RpcError, timeout: float) -> ServingError:
        """Makes an exception of ours from one of gRPC's, which has a status and details."""
        return error_of_status(
            error.code(),
            error.details(),
            address=self._connection.address,
            model=str(self._model),
            timeout=timeout,
        )

    def _checked(self, metadata: ModelMetadata) -> ModelMetadata:
        """Returns the metadata of a model that keeps the contract.

        Raises:
          UnsuitableModel: it does not.
        """
        problems = metadata.problems()
        if problems:
            raise UnsuitableModel(
                f"At {self._connection.address}, {self._model} is no translation model of this "
                f"project ({'; '.join(problems)}): ask another model, or export and push it again."
            )
        return metadata


def _checked_timeout(seconds: float) -> float:
    if not seconds > 0:
        raise InvalidSettings(f"A timeout must be more than 0 seconds, not {seconds:g}.")
    return seconds
