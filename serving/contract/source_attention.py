"""Where the encoder looks in a text, read from a padded response.

Only an encoder of self-attention has such weights, and an export with one has a signature for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from serving.contract.translation import Translation, as_text


@dataclass(frozen=True, eq=False)
class SourceAttention:
    """The self-attention of a text, without padding."""

    text: str
    tokens: tuple[str, ...]
    """Subwords, the end symbol last."""
    weights: np.ndarray
    """float32 [layers, heads, tokens, tokens], bottom layer first: row i, column j is how much
    position i looks at position j. Rows sum to 1."""
    truncated: bool
    """Whether the text was cut at the model's limit."""

    def of_head(self, layer: int, head: int) -> Translation:
        """Returns the weights of a head, as those of a translation of the text into itself."""
        return Translation(
            text=self.text,
            score=0.0,
            source_tokens=self.tokens,
            target_tokens=self.tokens,
            attention=self.weights[layer, head],
            truncated=self.truncated,
        )


def read_source_attention(
    response: Mapping[str, np.ndarray], row: int, text: str
) -> SourceAttention:
    """Reads one text's answer of the `source_attention` signature, cut to its real length."""
    length = int(response["source_length"][row])
    return SourceAttention(
        text,
        tuple(map(as_text, response["source_tokens"][row, :length])),
        np.array(response["self_attention"][row, :, :, :length, :length]),
        bool(response["truncated"][row]),
    )
