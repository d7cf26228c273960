"""Which failed calls gRPC tries again, and when, within the deadline of the call."""

import json
import math
from dataclasses import dataclass

from serving.client.errors import InvalidSettings

_MOST_ATTEMPTS = 5
"""gRPC makes no more, whatever it is told."""
_SHORTEST_DELAY = 0.01
"""Seconds. A delay that gRPC 1.85 rounds to 0 or 1 ms never ends."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often a call is tried while no server answers, and how long is waited in between.

    Delays grow by a factor up to a limit. gRPC makes each up to a fifth longer or shorter, so that
    clients of a server that comes back do not all ask in the same moment. The name of a host that
    cannot be resolved is not tried again.
    """

    attempts: int = 5
    """1 to 5, the first one included; 1 never tries again."""
    first_delay: float = 0.2
    """Seconds."""
    factor: float = 2.0
    max_delay: float = 5.0
    """Seconds."""

    def __post_init__(self) -> None:
        if not 1 <= self.attempts <= _MOST_ATTEMPTS:
            raise InvalidSettings(
                f"A call cannot have {self.attempts} attempts: give 1 to {_MOST_ATTEMPTS}, and "
                "longer delays where a server needs more time."
            )
        if not (
            _SHORTEST_DELAY <= self.first_delay <= self.max_delay < math.inf
            and 1 <= self.factor < math.inf
        ):
            raise InvalidSettings(
                f"Delays of {self.first_delay:g} to {self.max_delay:g} seconds that grow "
                f"{self.factor:g} times cannot be: give a first_delay of at least "
                f"{_SHORTEST_DELAY:g}, a max_delay not below it, and a factor of at least 1."
            )

    def service_config(self) -> str:
        """Returns the policy as gRPC reads it (gRFC A6, "Client Retries"), in JSON."""
        policy = {
            "maxAttempts": self.attempts,
            "initialBackoff": f"{self.first_delay:.9f}s",
            "backoffMultiplier": self.factor,
            "maxBackoff": f"{self.max_delay:.9f}s",
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
        # The empty name stands for every method.
        return json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": policy}]})
