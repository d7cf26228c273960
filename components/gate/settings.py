"""What the gate is told: the bounds of a model. Light, so that a command reads it without TFX."""

from pydantic import BaseModel, ConfigDict, Field


class GateSettings(BaseModel):
    """The bounds of the gate.

    Attributes:
      min_bleu: Floor of the corpus BLEU over all sentences.
      max_bleu_drop: Largest drop of BLEU below the live model, over all.
      significance: Probability that a model which is as good as the live one is taken for worse,
        over all or in any slice (`family_of_tests`).
      bootstrap_resamples: Test sets that the paired bootstrap draws.
      min_slice_sentences: A slice with fewer sentences is reported and does not count.
      require_improvement: Whether the model must be significantly better than the live one.
      slice_features: Features whose values are slices too, beside the length bucket.
      seed: Of the bootstrap.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_bleu: float = Field(ge=0, le=100)
    max_bleu_drop: float = Field(default=1.0, ge=0, le=100)
    significance: float = Field(default=0.05, gt=0, lt=1)
    bootstrap_resamples: int = Field(default=1000, ge=100)
    min_slice_sentences: int = Field(default=100, ge=1)
    require_improvement: bool = False
    slice_features: tuple[str, ...] = ()
    seed: int = Field(default=1, ge=0)
