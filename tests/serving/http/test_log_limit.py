import logging

import pytest

from serving.http.log_limit import limit_log


def test_each_kind_of_message_is_logged_once_a_second(caplog: pytest.LogCaptureFixture) -> None:
    name = "nmt.test_log_limit"
    limit_log(name)
    limit_log(name)
    logger = logging.getLogger(name)
    with caplog.at_level(logging.WARNING, logger=name):
        for number in range(1000):
            logger.warning("refused %d", number)
            logger.warning("no descriptor\nsocket %d" % number)  # noqa: UP031
    assert [record.getMessage() for record in caplog.records] == [
        "refused 0",
        "no descriptor\nsocket 0",
    ]
