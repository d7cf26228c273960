"""Paragraphs of the results, whose numbers may have any length."""

import textwrap

_WIDTH = 100


def paragraph(*sentences: str) -> str:
    """Joins sentences and breaks the lines where no Markdown is hurt: at spaces alone."""
    return textwrap.fill(
        " ".join(sentences), _WIDTH, break_long_words=False, break_on_hyphens=False
    )
