"""Paragraphs of the results, wrapped here since their numbers vary in length."""

import textwrap

_WIDTH = 100


def paragraph(*sentences: str) -> str:
    """Joins sentences and wraps the lines, only at spaces, to keep the Markdown intact."""
    return textwrap.fill(
        " ".join(sentences), _WIDTH, break_long_words=False, break_on_hyphens=False
    )
