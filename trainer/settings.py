"""The settings of the model: all keys with their defaults and bounds.

The pipeline's configuration file has one section per class below, and rejects unknown keys. `nmt
config show` prints each docstring above its key.
"""

import re
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, model_validator

from trainer.attention_kinds import ATTENTION_KINDS, AttentionName
from trainer.settings_base import Settings


class SubwordSettings(Settings):
    """The subword vocabulary, joint for source and target (Sennrich et al., 2016)."""

    vocabulary_size: int = Field(8000, ge=300, le=60_000)
    """Number of subwords, with the four special symbols and the 256 bytes."""
    max_piece_characters: int = Field(16, ge=1, le=32)
    """Longest subword in characters, with the word-start marker."""


class ModelSettings(Settings):
    """The shape of the network."""

    encoder: Literal["recurrent", "self_attention"] = "recurrent"
    """Layers of the encoder: recurrent (GRU or LSTM), or self-attention (Vaswani et al., 2017)."""
    decoder: Literal["recurrent", "self_attention"] = "recurrent"
    """Layers of the decoder."""
    attention: AttentionName = "bahdanau"
    """How a recurrent decoder attends to the source: bahdanau is additive; none is the basic model
    with a fixed context vector."""
    attention_units: int = Field(256, ge=1)
    """Width of bahdanau's hidden layer, or of all heads of multi_head together."""
    attention_heads: int = Field(4, ge=1)
    """Number of heads of multi_head, where it must divide attention_units, and of each layer of
    self-attention, where it must divide the units."""
    feed_forward_units: int = Field(1024, ge=1)
    """Inner width of each layer of self-attention."""
    cell: Literal["gru", "lstm"] = "gru"
    """Recurrent cell."""
    embedding_size: int = Field(256, ge=1)
    """Width of a subword's embedding."""
    bidirectional: bool = True
    """Whether a recurrent encoder also reads from the end to the start."""
    encoder_layers: int = Field(1, ge=1, le=16)
    """Number of layers. Each recurrent one after the first has a residual connection."""
    encoder_units: int = Field(256, ge=1)
    """Units of each direction of each layer; with self-attention as many as embedding_size."""
    attend_embeddings: bool = True
    """Whether attention to a recurrent encoder also reads the embedding of the source word."""
    copying: bool = True
    """Whether a source subword may be copied into the translation: names, numbers, unknown words.
    Needs attention."""
    decoder_layers: int = Field(1, ge=1, le=16)
    """Number of layers. The bottom recurrent one attends, the others read its context vector."""
    decoder_units: int = Field(512, ge=1)
    """Units of each layer; with self-attention as many as embedding_size."""
    attention_layer: int | None = Field(None, ge=1)
    """Number of the layer of a self-attention decoder whose attention to the source is returned,
    drawn and copied by, from the bottom; null for the last one."""
    attention_head: int | None = Field(None, ge=1)
    """Number of the head of that layer whose attention is returned; null for the mean of all. Alone
    it can learn to align (`training.alignment_weight`), while the others look where they need."""
    input_feeding: bool = False
    """Whether a recurrent decoder also reads its last output; training is slower."""

    @model_validator(mode="after")
    def _sizes_fit(self) -> "ModelSettings":
        for side in ("encoder", "decoder"):
            units = getattr(self, f"{side}_units")
            if getattr(self, side) == "self_attention" and units != self.embedding_size:
                raise ValueError(
                    f"{side}_units ({units}) must equal embedding_size ({self.embedding_size}) "
                    f"with {side}: self_attention."
                )
            if getattr(self, side) == "self_attention" and units % self.attention_heads:
                raise ValueError(
                    f"attention_heads ({self.attention_heads}) must divide {side}_units ({units})."
                )
        if self.attention_layer is not None and self.attention_layer > self.decoder_layers:
            raise ValueError(
                f"attention_layer ({self.attention_layer}) must be one of the decoder's "
                f"{self.decoder_layers} layers."
            )
        if self.attention_head is not None and self.attention_head > self.attention_heads:
            raise ValueError(
                f"attention_head ({self.attention_head}) must be one of the "
                f"{self.attention_heads} heads."
            )
        problem = ATTENTION_KINDS[self.attention].problem(self)
        if self.decoder == "recurrent" and problem:
            raise ValueError(problem)
        return self

    @property
    def attends(self) -> bool:
        """Whether the decoder attends to single words, and not to one fixed context."""
        return self.decoder == "self_attention" or self.attention != "none"


_WARM_START = "false, true, required, NAME or NAME@VERSION"


def _check_warm_start(value: object) -> object:
    is_name = isinstance(value, str) and re.fullmatch("[a-z0-9][a-z0-9-]*(@[1-9][0-9]*)?", value)
    if not is_name and not isinstance(value, bool):
        raise ValueError(f"{value!r} must be {_WARM_START}.")
    return value


class TrainingSettings(Settings):
    """The training of the network."""

    epochs: int = Field(10, ge=1)
    """Largest number of passes over the training split."""
    tokens_per_batch: int = Field(1500, ge=16)
    """Padded target tokens of a batch on one device; batches of short sentences have more of them,
    and each GPU has its own batch."""
    accumulate_batches: int = Field(1, ge=1, le=256)
    """Number of batches per update. They are cut from one batch with this many times the tokens, so
    training is the same as with a larger `tokens_per_batch` except for the noise of dropout, but
    needs the memory of a small one."""
    max_tokens: int = Field(100, ge=4)
    """Pairs with more subwords than this on either side are left out of training."""
    copied_targets: float = Field(0.0, ge=0, le=1)
    """Share of the targets also used as translations of themselves (Currey et al., 2017)."""
    replaced_words: float = Field(0.1, ge=0, le=1)
    """Share of the pairs of each epoch in which up to three words common to both sides are replaced
    by masks, or by characters missing from the vocabulary. So the model learns to copy
    placeholders, tags, addresses, and names in other scripts. Needs copying."""
    subword_dropout: float = Field(0.0, ge=0, le=1)
    """Probability of refusing a subword while the training text is cut, anew in each epoch, so a
    shorter one takes its place (Hiraoka, 2022). 0.1 is usual, and makes batches a tenth larger."""
    learning_rate: float = Field(1e-3, gt=0)
    """Adam's step size after the warm-up."""
    warmup_steps: int = Field(200, ge=0)
    """The learning rate rises linearly for this many steps."""
    final_learning_rate: float = Field(0.1, ge=0, le=1)
    """Share of the learning rate left at the last step, after a half cosine."""
    alignment_weight: float = Field(0.0, ge=0)
    """Weight of a second loss: that of attention which misses the source subword with which
    statistics of the training text link a target subword (Garg et al., 2019). So attention learns
    to align; 0.05 is usual."""
    gradient_clip: float = Field(1.0, gt=0)
    """Largest global norm of a gradient."""
    dropout: float = Field(0.3, ge=0, lt=1)
    """Share of dropped activations."""
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    """Probability moved from the right subword to all subwords."""
    average_decay: float = Field(0.9995, ge=0, lt=1)
    """Decay of the moving average of the weights. The average is evaluated and exported; 0 turns
    averaging off."""
    patience: int = Field(5, ge=1)
    """Epochs without a better validation score before training ends early."""
    validation_sentences: int = Field(1000, ge=1)
    """Largest number of validation sentences to translate after each epoch."""
    attention_images: int = Field(4, ge=0, le=64)
    """Number of validation sentences with attention images in TensorBoard after each epoch; does
    not affect training."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto`: bfloat16 if the GPU multiplies it natively, or without one if the processor is faster
    with it; else float32."""
    warm_start: Annotated[
        bool | str, PlainValidator(_check_warm_start, json_schema_input_type=bool | str)
    ] = Field(False, json_schema_extra={"form": _WARM_START})
    """Whether training begins with the weights and the vocabulary of the live model. If this is
    impossible, true begins without them, and required stops the run. The name of another
    configuration begins with its live model, NAME@VERSION with that version, or stops the run."""


class DecodingSettings(Settings):
    """The beam search exported with the model."""

    beam_size: int = Field(5, ge=1, le=64)
    """Number of hypotheses kept at each step; 1 is greedy search."""
    length_penalty: float = Field(1.0, ge=0, le=5)
    """alpha of Wu et al. (2016), equation 14; 0 prefers short translations."""
    coverage_penalty: float = Field(0.0, ge=0, le=5)
    """beta of the same equation; above 0, leaving out source words lowers the score."""
    max_source_tokens: int = Field(256, ge=8)
    """Longer sources are cut, and the reply marks this (`truncated`)."""
    target_ratio: float = Field(2.0, gt=0)
    """A translation has at most `target_ratio * source tokens + target_offset` tokens."""
    target_offset: int = Field(10, ge=1)
    """See target_ratio."""
    ensemble: int = Field(1, ge=1, le=16)
    """Number of models to train, with the seeds `seed`, `seed + 1` and so on. The search reads the
    mean of their distributions, and needs the computations of all."""
    shortlist: int = Field(32, ge=0, le=1000)
    """The search chooses from this number of target subwords for each source subword, those which
    attended most to it in training, besides frequent ones and those of the source; 0 searches the
    whole vocabulary, as the validations during training do."""
    precision: Literal["float32", "bfloat16", "int8"] = "float32"
    """The export multiplies with matrices rounded to this type. `int8` is the fastest on processors
    of the x86 family, and runs on no others. `bfloat16` is faster than float32 if the server's
    processor or GPU multiplies it natively, else slower."""
