"""What the gate is told: the bounds of a model. Light, so that a command reads it without TFX."""

from pydantic import BaseModel, ConfigDict, Field


class GateSettings(BaseModel):
    """The bounds of the gate.

    Attributes:
      min_bleu: Floor of the corpus BLEU over all sentences.
      max_bleu_drop: Largest drop of BLEU below the live model, over all and in each length bucket
        that counts.
      significance: A drop with a smaller p-value blocks the model.
      bootstrap_resamples: Test sets that the paired bootstrap draws.
      min_slice_sentences: A length bucket with fewer sentences is reported and does not count.
      seed: Of the bootstrap.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_bleu: float = Field(ge=0, le=100)
    max_bleu_drop: float = Field(default=1.0, ge=0, le=100)
    significance: float = Field(default=0.05, gt=0, lt=1)
    bootstrap_resamples: int = Field(default=1000, ge=100)
    min_slice_sentences: int = Field(default=100, ge=1)
    seed: int = Field(default=1, ge=0)
