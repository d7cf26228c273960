"""Reports the progress of long work through a callable, so no module here needs a terminal."""

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called as `progress(step, done, total)`; `total` is None if the amount is not known."""


def silent(step: str, done: int, total: int | None) -> None:
    """Reports nothing: the default."""
