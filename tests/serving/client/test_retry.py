import json
import math

import pytest

from serving.client.errors import InvalidSettings
from serving.client.retry import RetryPolicy


def test_grpc_is_told_the_policy_for_every_method():
    config = json.loads(RetryPolicy(3, first_delay=0.05, factor=3, max_delay=2.5).service_config())
    assert config == {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.050000000s",
                    "backoffMultiplier": 3,
                    "maxBackoff": "2.500000000s",
                    "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
                },
            }
        ]
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"attempts": 0},
        {"attempts": 6},
        {"first_delay": 0.001},
        {"first_delay": 3, "max_delay": 2},
        {"factor": 0.5},
        {"factor": math.nan},
        {"max_delay": math.inf},
    ],
)
def test_a_policy_that_cannot_be_is_refused(settings):
    with pytest.raises(InvalidSettings):
        RetryPolicy(**settings)
