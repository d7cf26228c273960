"""The connection to a model server: address, encryption, message sizes and keepalive."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc

from serving.client.errors import InvalidSettings
from serving.client.retry import RetryPolicy
from serving.protocol.messages import GET_MODEL_METADATA, GET_MODEL_STATUS, PREDICT, Method
from text.characters import LONE_SURROGATE

Pem = bytes | str | os.PathLike[str]
"""Certificates or a key: the PEM text as `bytes`, or the path of its file."""

DEFAULT_MAX_MESSAGE_BYTES = 256 << 20
"""gRPC's default of 4 MiB is just enough for the attention of 32 sentences of 181 tokens, without
a beam."""
DEFAULT_KEEPALIVE_SECONDS = 301.0
"""TensorFlow Serving follows gRPC's rule for servers: it disconnects a client that pings more often
than every 5 minutes while nothing else is sent."""

_OPTIONS = (
    ("grpc.keepalive_timeout_ms", 20_000),
    # With gRPC's default of one second, the first retry would miss a restarted server.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # A new client opens its own connection, so it shares no failures of another one.
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass(frozen=True)
class Tls:
    """Settings for TLS, or for mutual TLS with the client's key and certificate."""

    root_certificates: Pem | None = None
    """Certificate authorities trusted to sign the server's; without it, gRPC's default list."""
    client_key: Pem | None = field(default=None, repr=False)
    """The client's private key, for a server that requires one."""
    client_certificate: Pem | None = field(default=None, repr=False)
    """The certificate of the client's key, with the chain up to its authority."""

    def credentials(self) -> grpc.ChannelCredentials:
        """Reads the files.

        Raises:
          InvalidSettings: a file cannot be read or is not PEM text of the right kind, or either key
            or certificate is missing.
        """
        if (self.client_key is None) != (self.client_certificate is None):
            raise InvalidSettings(
                "Mutual TLS needs client_key and client_certificate: give both, or neither."
            )
        return grpc.ssl_channel_credentials(
            root_certificates=_read_pem("root_certificates", self.root_certificates, "CERTIFICATE"),
            private_key=_read_pem("client_key", self.client_key, "PRIVATE KEY"),
            certificate_chain=_read_pem(
                "client_certificate", self.client_certificate, "CERTIFICATE"
            ),
        )


@dataclass(frozen=True)
class Connection:
    """The address of a server and the settings of the channel.

    Raises:
      InvalidSettings: the address or a number is invalid.
    """

    address: str
    """`HOST:PORT`, or another gRPC name, such as `unix:/path`."""
    tls: Tls | None = None
    """None for plain text."""
    authority: str | None = None
    """The host name known to the server's certificate and proxies, if not that of the address."""
    max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES
    """Size limit of one request or reply."""
    keepalive_seconds: float = DEFAULT_KEEPALIVE_SECONDS
    """Silence during a call after which the client pings the server, to detect a lost one."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    def __post_init__(self) -> None:
        is_url = self.address.startswith(("http:", "https:"))
        if ":" not in self.address or is_url or LONE_SURROGATE.search(self.address):
            raise InvalidSettings(
                f"{self.address!r} is not an address of a gRPC server: give HOST:PORT, such as "
                "localhost:8500."
            )
        if not 0 < self.max_message_bytes < 1 << 31:
            raise InvalidSettings(
                f"max_message_bytes must be positive and below 2 GiB, not {self.max_message_bytes}."
            )
        if not 1 <= self.keepalive_seconds < 1 << 20:
            raise InvalidSettings(
                f"keepalive_seconds must be at least 1, not {self.keepalive_seconds:g}."
            )

    def options(self) -> list[tuple[str, Any]]:
        """Returns gRPC's channel arguments."""
        options: list[tuple[str, Any]] = [
            *_OPTIONS,
            ("grpc.keepalive_time_ms", round(1000 * self.keepalive_seconds)),
            ("grpc.max_send_message_length", self.max_message_bytes),
            ("grpc.max_receive_message_length", self.max_message_bytes),
        ]
        if self.retry.attempts > 1:
            options += [
                ("grpc.service_config", self.retry.service_config()),
                # gRPC retries only requests that fit into this buffer, by default 256 KiB.
                ("grpc.per_rpc_retry_buffer_size", self.max_message_bytes),
            ]
        if self.authority is not None:
            options.append(("grpc.default_authority", self.authority))
            if self.tls is not None:
                options.append(("grpc.ssl_target_name_override", self.authority))
        return options

    def open(self) -> grpc.Channel:
        """Creates a channel, which connects at the first call.

        Raises:
          InvalidSettings: keys or certificates cannot be used.
        """
        if self.tls is None:
            return grpc.insecure_channel(self.address, self.options())
        return grpc.secure_channel(self.address, self.tls.credentials(), self.options())

    def open_async(self) -> grpc.aio.Channel:
        """Creates a channel for the running event loop, which connects at the first call.

        Raises:
          InvalidSettings: keys or certificates cannot be used.
        """
        if self.tls is None:
            return grpc.aio.insecure_channel(self.address, self.options())
        return grpc.aio.secure_channel(self.address, self.tls.credentials(), self.options())


def bind(channel: grpc.Channel | grpc.aio.Channel) -> Mapping[Method, Any]:
    """Returns a callable for each method of the protocol, on a channel of either kind."""
    return {
        method: channel.unary_unary(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.reply.FromString,
        )
        for method in (PREDICT, GET_MODEL_METADATA, GET_MODEL_STATUS)
    }


def _read_pem(name: str, source: Pem | None, kind: str) -> bytes | None:
    """Reads the PEM text of a setting of `Tls`, and checks its kind."""
    if source is None:
        return None
    if isinstance(source, bytes):
        content, origin = source, "the given value"
    else:
        origin = os.fspath(source)
        try:
            with open(source, "rb") as file:
                content = file.read()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InvalidSettings(
                f"{name}: {origin!r} cannot be read ({reason}); give a PEM file, or its content as "
                "bytes."
            ) from error
    # A key's first line may also name its kind, as in "BEGIN EC PRIVATE KEY".
    if b"-----BEGIN " not in content or f"{kind}-----".encode() not in content:
        raise InvalidSettings(f"{name}: {origin} is not the PEM text of a {kind.lower()}.")
    return content
