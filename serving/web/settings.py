"""The settings of the page."""

from collections.abc import Callable
from dataclasses import dataclass, field

from serving.client.connection import Tls
from text.glossary import Glossary

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8080


class SuggestionRefused(ValueError):
    """A suggestion cannot be trained on; the message says why."""


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """The gateway's model server, address and limits."""

    server: str
    """`HOST:PORT` of a model server's gRPC."""
    model: str
    """The model's name on that server."""
    model_directory: str | None = None
    """The folder of the server's versions, for the scores in their model cards; None if it is not
    on this machine."""
    tls: Tls | None = None
    """Encryption of the connection to the server; None for plain text."""
    timeout: float = 30.0
    """Seconds to wait for an answer of the server."""
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    """0 takes any free port."""
    allowed_hosts: frozenset[str] = field(default_factory=frozenset)
    """Host names of the page, besides localhost and IP addresses."""
    source_language: str | None = None
    """Its code, such as `en`; screen readers choose a voice by it."""
    target_language: str | None = None
    examples: tuple[str, ...] = ()
    """Example sentences shown on the page."""
    glossary: Glossary | None = None
    """Terms that all translations must have."""
    max_characters: int = 2000
    """Length limit of a text."""
    suggest: Callable[[str, str], None] | None = None
    """Stores a source and a better translation of it; None refuses suggestions. It is called in a
    thread, and raises SuggestionRefused or OSError."""
