"""A model for the tests of translators' files: it writes capitals, except in parts to keep."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from serving.contract.translation import Translation
from text.protected import protected_parts


def shouted(texts: Sequence[str]) -> Iterator[Translation]:
    """Returns texts in capitals, with their placeholders, tags and the like as they are."""
    for text in texts:
        yield Translation(
            text=_shouted(text),
            score=0.0,
            source_tokens=(),
            target_tokens=(),
            attention=np.zeros((0, 0), np.float32),
            truncated=False,
        )


def _shouted(text: str) -> str:
    parts = protected_parts(text)
    if not parts:
        return text.upper()
    pattern = "|".join(sorted(map(re.escape, set(parts)), key=len, reverse=True))
    return re.sub(f"({pattern})|(.)", lambda found: found[1] or found[2].upper(), text, flags=re.S)
