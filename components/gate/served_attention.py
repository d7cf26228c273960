"""The attention of a translation as `serve_examples` hands it to the Evaluator.

TFMA batches a thousand sentences and takes dense tensors only, so that padded attention of a batch
with one long text in it would be gigabytes. So each sentence has its tokens in one string with
spaces between them, and its weights in another, a serialized tensor (`trainer/export.py`).
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
    """What a model told of one translation, as it was told."""

    source_tokens: bytes
    target_tokens: bytes
    attention: bytes
    """float32 [target, source], a serialized `TensorProto`."""


def read_served_attention(text: str, served: ServedAttention) -> Translation | None:
    """Reads the attention of a translation.

    Args:
      text: the translation.
      served: what the model told of it.

    Returns:
      The translation with its tokens and weights; its score is not known. None where what was told
      is no attention between these tokens: to refuse such a model is ServingValidator's task, and
      a live model that tells something else must not stop the run.
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
