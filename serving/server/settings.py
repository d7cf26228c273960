"""What a person may choose about the server."""

import os
from dataclasses import dataclass, field

DEFAULT_PORT = 8500
DEFAULT_REST_PORT = 8501
"""TensorFlow Serving's own two ports."""


@dataclass(frozen=True, kw_only=True)
class BatchSettings:
    """How requests are run together."""

    max_batch_size: int = 32
    """Texts that go through the model at once. A request of more is run in pieces."""
    batch_timeout_seconds: float = 0.0
    """How long a batch that is not full waits for more; 0 takes what queued up while the model was
    busy."""
    max_queued_rows: int = 1024
    """Texts that may wait; a request that would go beyond is refused."""
    max_requests: int = 256
    """gRPC's requests in flight, each of which has a thread; more are refused."""
    workers: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    """Batches that run at the same time, each on a core."""


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """Where the server listens, what it serves, and its limits."""

    model_name: str
    model_directory: str
    """The folder with one numbered folder per version."""
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    """gRPC; 0 takes any that is free."""
    rest_port: int = DEFAULT_REST_PORT
    """REST and metrics; 0 takes any that is free."""
    latest_versions: int = 1
    """How many of the highest versions are served, until a client sends another policy."""
    poll_seconds: float = 1.0
    """How often the folder is looked at."""
    settle_seconds: float = 1.0
    """How long nothing in a version's folder may have changed before it is loaded: it may still be
    on its way."""
    linger_seconds: float = 0.5
    """How long a version stays in memory once another one has taken its place."""
    wait_for_model: bool = False
    """Whether to start without any version and wait for the first."""
    max_message_bytes: int = 64 << 20
    """The longest request and the longest reply."""
    rest_timeout_seconds: float = 30.0
    """The deadline of a REST request, which cannot name one; TensorFlow Serving's default."""
    grace_seconds: float = 30.0
    """How long requests in flight may take to end once the server is told to."""
    batching: BatchSettings = field(default_factory=BatchSettings)
