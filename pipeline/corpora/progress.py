"""How long work tells whoever waits: one callable, so that no module here knows a terminal."""

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called as `progress(step, done, total)`; `total` is None where the amount is not known."""


def silent(step: str, done: int, total: int | None) -> None:
    """Tell nobody: the default where nobody watches."""
