import pytest

from serving.server.returning_clients import PATIENCE, ReturningClients

SECONDS = 1.0
"""Duration of a batch."""


@pytest.fixture
def clients() -> ReturningClients:
    return ReturningClients()


@pytest.fixture
def loyal(clients: ReturningClients) -> ReturningClients:
    """Returns clients that came back after a batch of four, answered at time 0."""
    clients.answered(4, 0.0, SECONDS)
    clients.came(4, 0.01)
    return clients


def test_nobody_is_waited_for_before_anybody_came_back(clients: ReturningClients) -> None:
    clients.answered(4, 0.0, SECONDS)
    assert clients.seconds_to_wait(0.0) == 0.0


def test_who_came_back_once_is_waited_for_until_all_are_there(loyal: ReturningClients) -> None:
    loyal.answered(4, 10.0, SECONDS)
    assert loyal.seconds_to_wait(10.0) == pytest.approx(PATIENCE * SECONDS)
    loyal.came(3, 10.1)
    assert loyal.seconds_to_wait(10.1) == pytest.approx(PATIENCE * SECONDS - 0.1)
    loyal.came(1, 10.11)
    assert loyal.seconds_to_wait(10.11) == 0.0


def test_waiting_has_an_end_and_is_given_up_once_most_stayed_away(loyal: ReturningClients) -> None:
    loyal.answered(4, 10.0, SECONDS)
    loyal.came(1, 10.1)
    assert loyal.seconds_to_wait(10.0 + PATIENCE * SECONDS) == 0.0
    loyal.answered(4, 11.0, SECONDS)
    assert loyal.seconds_to_wait(11.0) == 0.0


def test_one_of_many_may_stay_away(loyal: ReturningClients) -> None:
    loyal.answered(4, 10.0, SECONDS)
    loyal.came(3, 10.1)
    loyal.answered(4, 11.0, SECONDS)
    assert loyal.seconds_to_wait(11.0) > 0.0


def test_the_clients_of_two_batches_are_waited_for_together(loyal: ReturningClients) -> None:
    loyal.answered(4, 10.0, SECONDS)
    loyal.answered(2, 10.1, SECONDS)
    loyal.came(5, 10.15)
    assert loyal.seconds_to_wait(10.15) == pytest.approx(0.1 + PATIENCE * SECONDS - 0.15)
    loyal.came(1, 10.16)
    assert loyal.seconds_to_wait(10.16) == 0.0


def test_more_requests_than_were_answered_count_for_no_later_batch(
    loyal: ReturningClients,
) -> None:
    loyal.came(100, 0.02)
    loyal.answered(4, 10.0, SECONDS)
    assert loyal.seconds_to_wait(10.0) > 0.0
