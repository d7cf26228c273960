"""The settings of the server."""

from dataclasses import dataclass, field

from serving.local.processors import processors

DEFAULT_PORT = 8500
DEFAULT_REST_PORT = 8501
"""The default ports of TensorFlow Serving."""


@dataclass(frozen=True, kw_only=True)
class BatchSettings:
    """Settings of batching and of the request queue."""

    strict: bool = True
    """Whether to reject requests that TensorFlow Serving with these limits would not answer: those
    with no text, and those with more than `max_batch_size`. Otherwise the latter run in pieces."""
    max_batch_size: int = 32
    """Most texts in one batch."""
    batch_timeout_seconds: float = 0.0
    """How long an incomplete batch waits for more texts. With 0 it takes the texts queued while the
    model was busy."""
    max_queued_rows: int = 1024
    """Most texts in the queue; a request beyond this limit is rejected."""
    max_requests: int = 256
    """Most gRPC requests in flight, each in a thread; further ones are rejected."""
    workers: int = field(default_factory=processors)
    """Batches run at the same time, one per core."""


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """The server's addresses, model and limits."""

    model_name: str
    model_directory: str
    """The folder with one numbered folder per version."""
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    """Port for gRPC; 0 takes any free one."""
    rest_port: int = DEFAULT_REST_PORT
    """Port for REST and metrics; 0 takes any free one."""
    allowed_hosts: frozenset[str] = frozenset()
    """Names under which REST may be asked, besides localhost, IP addresses and `host`."""
    latest_versions: int = 1
    """Number of the highest versions to serve, until a client sends another policy."""
    poll_seconds: float = 1.0
    """Time between two checks of the folder."""
    settle_seconds: float = 1.0
    """How long a version's folder must be unchanged before it is loaded: it may still be copied."""
    linger_seconds: float = 0.5
    """How long a version stays in memory after its replacement is available."""
    wait_for_model: bool = False
    """Whether to start without any version and wait for the first."""
    max_message_bytes: int = 64 << 20
    """Size limit of a request and of a response."""
    rest_timeout_seconds: float = 30.0
    """The deadline of REST requests, which cannot carry one; TensorFlow Serving's default."""
    max_connections: int = 512
    """Most connections of gRPC, and of REST; fewer if the limit of open files is low."""
    handshake_seconds: float = 10.0
    """Time for the headers of a request, and for a reflection stream."""
    connection_seconds: float = 600.0
    """After this time a gRPC connection takes no new requests; those in flight have the grace
    period. Clients open another connection."""
    grace_seconds: float = 30.0
    """Time for the requests in flight to end during the shutdown."""
    batching: BatchSettings = field(default_factory=BatchSettings)
