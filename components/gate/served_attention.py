"""The attention of a translation in the format of the signature `serve_examples`.

TFMA batches a thousand sentences and takes dense tensors only. With one long text in a batch, the
padded attention would need gigabytes. So each sentence has its tokens in one string, separated by
spaces, and its weights in another, a serialized tensor (`trainer/export.py`).
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import tensor_pb2

from serving.contract.translation import Translation, as_text

SOURCE_TOKENS = "source_tokens"
TARGET_TOKENS = "target_tokens"
ATTENTION = "attention"


class ServedAttention(NamedTuple):
    """A model's raw attention outputs for one translation."""

    source_tokens: bytes
    target_tokens: bytes
    attention: bytes
    """float32 [target, source], a serialized `TensorProto`."""


def read_served_attention(text: str, served: ServedAttention) -> Translation | None:
    """Reads the attention of a translation.

    Args:
      text: the translation.
      served: the model's outputs for it.

    Returns:
      The translation with its tokens and weights; the score is NaN, because it is not known.
      None if the weights are not a valid attention between these tokens. This is no error:
      ServingValidator rejects such a candidate, and a live model with other outputs must not stop
      the run.
    """
    source_tokens, target_tokens = (
        tuple(token for token in as_text(side).split(" ") if token)
        for side in (served.source_tokens, served.target_tokens)
    )
    try:
        tensor = tensor_pb2.TensorProto.FromString(served.attention)
        attention = np.asarray(tf.make_ndarray(tensor), np.float32)
    except (DecodeError, TypeError, ValueError):
        return None
    is_between_them = attention.shape == (len(target_tokens), len(source_tokens))
    if not is_between_them or not np.isfinite(attention).all() or (attention < 0).any():
        return None
    return Translation(
        text=text,
        score=float("nan"),
        source_tokens=source_tokens,
        target_tokens=target_tokens,
        attention=attention,
        truncated=False,
    )
