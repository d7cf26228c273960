import math

import pytest

from serving.client.errors import InvalidSettings, ModelNotFound, Unavailable
from serving.client.retry import Attempts, RetryPolicy

UNAVAILABLE = Unavailable("busy")


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def delays(policy: RetryPolicy, timeout: float = math.inf, fraction: float = 0.0) -> list[float]:
    """The delays between attempts that fail at once, when none is over before the deadline."""
    clock = Clock()
    attempts = Attempts(policy, timeout, lambda: fraction, clock)
    result = []
    while (delay := attempts.delay_after(UNAVAILABLE)) is not None:
        result.append(delay)
        clock.now += delay
    return result


def test_there_are_as_many_attempts_as_allowed():
    assert len(delays(RetryPolicy(attempts=4))) == 3


def test_one_attempt_means_no_other():
    assert delays(RetryPolicy(attempts=1)) == []


def test_delays_grow_by_the_factor_up_to_the_limit():
    policy = RetryPolicy(attempts=6, first_delay=1, factor=3, max_delay=10)
    assert delays(policy, fraction=1.0) == [1, 3, 9, 10, 10]


def test_half_of_each_delay_is_random():
    policy = RetryPolicy(attempts=3, first_delay=1, factor=2)
    assert delays(policy, fraction=0.0) == [0.5, 1.0]
    assert delays(policy, fraction=0.5) == [0.75, 1.5]


def test_no_delay_reaches_beyond_the_deadline():
    policy = RetryPolicy(attempts=100, first_delay=1, factor=1)
    assert delays(policy, timeout=3.5, fraction=1.0) == [1, 1, 1]


def test_attempts_and_delays_share_one_deadline():
    clock = Clock()
    attempts = Attempts(RetryPolicy(), 10, lambda: 0.0, clock)
    clock.now += 4
    assert attempts.remaining() == 6
    clock.now += 7
    assert attempts.remaining() == 0


def test_without_a_limit_an_attempt_has_none_either():
    assert Attempts(RetryPolicy(), math.inf, lambda: 0.0).remaining() is None


def test_what_would_fail_again_is_not_tried_again():
    attempts = Attempts(RetryPolicy(), math.inf, lambda: 0.0)
    assert attempts.delay_after(ModelNotFound("no such model")) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"attempts": 0},
        {"first_delay": 0},
        {"first_delay": 3, "max_delay": 2},
        {"factor": 0.5},
        {"factor": math.nan},
        {"max_delay": math.inf},
    ],
)
def test_a_policy_that_cannot_be_is_refused(settings):
    with pytest.raises(InvalidSettings):
        RetryPolicy(**settings)
