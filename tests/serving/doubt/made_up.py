"""Made-up answers of a model."""

import numpy as np

from serving.contract.signatures import END_SYMBOL
from serving.contract.translation import Translation


def answer(
    text: str, source: str = "", *, unread: int = 0, score: float = -1.0, truncated: bool = False
) -> Translation:
    """Makes an answer with as many tokens as its source; the first ones of that may be unread."""
    tokens = (*(f"\u2581{word}" for word in source.split()), END_SYMBOL)
    attention = np.eye(len(tokens), dtype=np.float32)
    attention[:unread] = 0
    attention[:unread, -1] = 1
    return Translation(
        text=text,
        score=score,
        source_tokens=tokens,
        target_tokens=tokens,
        attention=attention,
        truncated=truncated,
    )
