"""The kinds of attention, the values of the setting `model.attention`.

To add a kind, add a file with its class (`trainer.attention.Attention`) and a row here. This module
does not import TensorFlow, because the settings and the model card use it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    import numpy as np

    from trainer.attention import Attention
    from trainer.settings import ModelSettings


@dataclass(frozen=True)
class AttentionKind:
    """One kind of attention.

    Attributes:
      layer: its class, as `module:name`.
      citation: its source, for the model card.
      problem: function from the settings to a sentence on their problem, or None.
    """

    layer: str
    citation: str
    problem: Callable[[ModelSettings], str | None] = lambda settings: None


def _heads_do_not_fit(settings: ModelSettings) -> str | None:
    if settings.attention_units % settings.attention_heads == 0:
        return None
    return (
        f"attention_heads ({settings.attention_heads}) must divide attention_units "
        f"({settings.attention_units})."
    )


def _widths_differ(settings: ModelSettings) -> str | None:
    state_units = settings.encoder_units
    if settings.encoder == "recurrent":
        state_units *= 2 if settings.bidirectional else 1
        state_units += settings.embedding_size if settings.attend_embeddings else 0
    if settings.decoder_units == state_units:
        return None
    return (
        f"luong_dot needs decoder_units ({settings.decoder_units}) as wide as the encoder's "
        f"states ({state_units}): make them equal, switch attend_embeddings off, "
        "or choose luong_general."
    )


_LUONG = (
    "Luong, Pham and Manning, Effective Approaches to Attention-based Neural Machine Translation, "
    "EMNLP 2015, arXiv:1508.04025"
)

ATTENTION_KINDS = {
    "none": AttentionKind(
        "trainer.fixed_context:FixedContext",
        "Sequence to sequence without attention: Sutskever, Vinyals and Le, Sequence to Sequence "
        "Learning with Neural Networks, NeurIPS 2014, arXiv:1409.3215",
    ),
    "bahdanau": AttentionKind(
        "trainer.bahdanau_attention:BahdanauAttention",
        "Additive attention: Bahdanau, Cho and Bengio, Neural Machine Translation by Jointly "
        "Learning to Align and Translate, ICLR 2015, arXiv:1409.0473",
    ),
    "luong_dot": AttentionKind(
        "trainer.luong_attention:LuongDotAttention",
        f"Multiplicative attention (dot): {_LUONG}",
        _widths_differ,
    ),
    "luong_general": AttentionKind(
        "trainer.luong_attention:LuongGeneralAttention",
        f"Multiplicative attention (general): {_LUONG}",
    ),
    "multi_head": AttentionKind(
        "trainer.multi_head_attention:MultiHeadAttention",
        "Multi-head attention: Vaswani et al., Attention Is All You Need, NeurIPS 2017, "
        "arXiv:1706.03762",
        _heads_do_not_fit,
    ),
}

if TYPE_CHECKING:
    AttentionName = str
else:
    AttentionName = Literal[tuple(ATTENTION_KINDS)]


def make_attention(
    settings: ModelSettings, rng: np.random.Generator, query_units: int, state_units: int
) -> Attention:
    """Makes the kind of attention named by `model.attention`."""
    module, _, name = ATTENTION_KINDS[settings.attention].layer.partition(":")
    layer = cast("type[Attention]", getattr(import_module(module), name))
    return layer.make(settings, rng, query_units, state_units)
