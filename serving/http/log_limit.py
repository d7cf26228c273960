"""Keeps a flood of requests from becoming a flood of log lines."""

import logging
import time

_SECONDS = 1.0
_MOST_REMEMBERED = 100


class _OncePerSecond(logging.Filter):
    """Lets each kind of message pass once a second; its kind is its first line, not filled in."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = str(record.msg).partition("\n")[0]
        now = time.monotonic()
        if now - self._last.get(kind, -_SECONDS) < _SECONDS:
            return False
        if len(self._last) >= _MOST_REMEMBERED:
            self._last.clear()
        self._last[kind] = now
        return True


_FILTER = _OncePerSecond()


def limit_log(*names: str) -> None:
    """Limits loggers to one message of each kind a second; also when called again."""
    for name in names:
        logging.getLogger(name).addFilter(_FILTER)
