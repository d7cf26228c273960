"""The contract of an export: its signatures, with the dtypes and ranks of their tensors.

B texts, K hypotheses of the beam, S source tokens, T target tokens. All tensors are dense and
padded; the lengths give the number of real tokens. `attention[..., t, s]` is the attention weight
of source token s for target token t. L layers and H heads of an encoder of self-attention.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

SERVING_DEFAULT = "serving_default"
N_BEST = "n_best"
SCORE = "score"
SERVE_EXAMPLES = "serve_examples"
SOURCE_ATTENTION = "source_attention"

END_SYMBOL = "</s>"
"""The last real token of both sides; it has its own row and column of the attention."""


@dataclass(frozen=True)
class TensorContract:
    """The dtype and the ranks of a tensor of a signature."""

    dtype: str
    ranks: tuple[int, ...]
    """The allowed ranks; clients handle each of them."""


@dataclass(frozen=True)
class SignatureContract:
    """The inputs of a signature, and the outputs it must have."""

    inputs: Mapping[str, TensorContract]
    outputs: Mapping[str, TensorContract]
    optional: Mapping[str, TensorContract] = field(default_factory=dict)
    """Outputs that older exports lack."""
    is_optional: bool = False
    """Whether an export may lack the signature."""


_TEXT = TensorContract("string", (1,))

_DECODED = {
    "score": TensorContract("float32", (1,)),  # [B]
    "source_tokens": TensorContract("string", (2,)),  # [B, S]
    "target_tokens": TensorContract("string", (2,)),  # [B, T]
    "attention": TensorContract("float32", (3,)),  # [B, T, S]
    "source_length": TensorContract("int32", (1,)),  # [B]
    "target_length": TensorContract("int32", (1,)),  # [B]
    "truncated": TensorContract("bool", (1,)),  # [B]
}

_DOUBT = {"doubt": TensorContract("float32", (2,))}
"""[B, 2 + limits]: how surprising the source is, the usual ratio of the lengths, and the limits of
the kinds of doubt in the order of `serving.doubt.kinds`."""

CONTRACTS: Mapping[str, SignatureContract] = {
    SERVING_DEFAULT: SignatureContract(
        inputs={"text": _TEXT},
        outputs={"translation": TensorContract("string", (1,)), **_DECODED},
        optional=_DOUBT,
    ),
    N_BEST: SignatureContract(
        inputs={"text": _TEXT},
        outputs={
            "translation": TensorContract("string", (2,)),  # [B, K]
            "score": TensorContract("float32", (2,)),  # [B, K]
            "source_tokens": TensorContract("string", (2, 3)),  # one source, or one per hypothesis
            "target_tokens": TensorContract("string", (3,)),  # [B, K, T]
            "attention": TensorContract("float32", (4,)),  # [B, K, T, S]
            "source_length": TensorContract("int32", (1, 2)),
            "target_length": TensorContract("int32", (2,)),  # [B, K]
            "truncated": TensorContract("bool", (1, 2)),
        },
        optional=_DOUBT,
    ),
    SCORE: SignatureContract(
        inputs={"text": _TEXT, "target": _TEXT},
        outputs={"token_log_probability": TensorContract("float32", (2,)), **_DECODED},  # [B, T]
    ),
    SERVE_EXAMPLES: SignatureContract(
        inputs={"examples": _TEXT},
        outputs={"translation": TensorContract("string", (2,))},  # [B, 1]
    ),
    # Where the encoder looks; only with an encoder of self-attention.
    SOURCE_ATTENTION: SignatureContract(
        inputs={"text": _TEXT},
        outputs={
            "source_tokens": TensorContract("string", (2,)),  # [B, S]
            "source_length": TensorContract("int32", (1,)),  # [B]
            "self_attention": TensorContract("float32", (5,)),  # [B, L, H, S, S]
            "truncated": TensorContract("bool", (1,)),  # [B]
        },
        is_optional=True,
    ),
}
