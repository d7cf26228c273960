"""Retries calls to a missing or busy server within their deadline; gRPC makes the attempts."""

import json
import math
from dataclasses import dataclass

from serving.client.errors import InvalidSettings

_MOST_ATTEMPTS = 5
"""gRPC's limit; it ignores a higher number."""
_SHORTEST_DELAY = 0.01
"""Seconds. In gRPC 1.85 a delay rounded to 0 or 1 ms never ends."""


@dataclass(frozen=True)
class RetryPolicy:
    """Number of attempts and delays between them, while no server answers or it is overloaded.

    Each delay is `factor` times the last, up to a limit. gRPC varies it by up to a fifth in both
    directions, so the clients of a restarted server do not all send at the same moment. Calls are
    not retried if the host name cannot be resolved. A server without a free thread answers
    RESOURCE_EXHAUSTED, one with a full queue UNAVAILABLE.
    """

    attempts: int = 5
    """1 to 5, including the first; 1 means no retry."""
    first_delay: float = 0.2
    """Seconds."""
    factor: float = 2.0
    max_delay: float = 5.0
    """Seconds."""

    def __post_init__(self) -> None:
        if not 1 <= self.attempts <= _MOST_ATTEMPTS:
            raise InvalidSettings(
                f"A call cannot have {self.attempts} attempts: give 1 to {_MOST_ATTEMPTS}, and "
                "longer delays if a server needs more time."
            )
        if not (
            _SHORTEST_DELAY <= self.first_delay <= self.max_delay < math.inf
            and 1 <= self.factor < math.inf
        ):
            raise InvalidSettings(
                f"Delays of {self.first_delay:g} to {self.max_delay:g} seconds with the factor "
                f"{self.factor:g} are invalid: give a first_delay of at least "
                f"{_SHORTEST_DELAY:g}, a max_delay not below it, and a factor of at least 1."
            )

    def service_config(self) -> str:
        """Returns the policy in JSON for gRPC (gRFC A6, "Client Retries")."""
        policy = {
            "maxAttempts": self.attempts,
            "initialBackoff": f"{self.first_delay:.9f}s",
            "backoffMultiplier": self.factor,
            "maxBackoff": f"{self.max_delay:.9f}s",
            "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
        }
        # An empty name matches every method.
        return json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": policy}]})
