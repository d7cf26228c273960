"""The example of the course material's section on attention heatmaps."""

import numpy as np

from serving.contract.translation import Translation

SOURCE = ["The", "cat", "is", "on", "the", "mat"]
TARGET = ["Die", "Katze", "ist", "auf", "der", "Matte"]
WEIGHTS = np.array(
    [
        [0.80, 0.05, 0.05, 0.05, 0.05, 0.00],
        [0.05, 0.85, 0.05, 0.05, 0.00, 0.00],
        [0.05, 0.05, 0.80, 0.05, 0.05, 0.00],
        [0.00, 0.05, 0.05, 0.80, 0.05, 0.05],
        [0.00, 0.00, 0.00, 0.10, 0.80, 0.10],
        [0.00, 0.00, 0.00, 0.00, 0.10, 0.90],
    ]
)


def make_translation(source, target, weights=None) -> Translation:
    """Returns a translation of whole words, with end symbols without weight."""
    attention = np.zeros((len(target) + 1, len(source) + 1), np.float32)
    attention[:-1, :-1] = 1 / len(source) if weights is None else weights
    attention[-1, -1] = 1
    return Translation(
        text=" ".join(target),
        score=-1.0,
        source_tokens=(*(f"▁{word}" for word in source), "</s>"),
        target_tokens=(*(f"▁{word}" for word in target), "</s>"),
        attention=attention,
        truncated=False,
    )
