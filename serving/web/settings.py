"""What a person may choose about the page."""

from dataclasses import dataclass, field

from serving.client.connection import Tls

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8080


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """Whom the gateway asks, where it listens, and what it lets through."""

    server: str
    """`HOST:PORT` of a model server's gRPC."""
    model: str
    """The model's name on that server."""
    tls: Tls | None = None
    """How the connection to the server is encrypted; None if it is not."""
    timeout: float = 30.0
    """Seconds that the server has for an answer."""
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    """0 takes any that is free."""
    allowed_hosts: frozenset[str] = field(default_factory=frozenset)
    """Names under which the page may be opened, besides localhost and addresses in numbers."""
    source_language: str | None = None
    """Its code, such as `en`, by which screen readers choose a voice."""
    target_language: str | None = None
    examples: tuple[str, ...] = ()
    """Sentences that the page offers."""
    max_characters: int = 2000
    """Of one text."""
