"""The format of times in the output of commands."""

from datetime import UTC, datetime


def format_time(time: datetime) -> str:
    """Formats a time in UTC to the second, as in `2026-03-01T12:00:00Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
