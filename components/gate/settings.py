"""The metric and the bounds of the gate.

TFX and TFMA are not imported, so commands start quickly.
"""

from typing import Annotated, cast

from pydantic import Field

from components.corpus_features import LENGTH_BUCKET
from trainer.scoring import Metric, Scoring, Tokeniser
from trainer.settings_base import Settings

FeatureName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class GateBounds(Settings):
    """The bounds on a model in the configuration."""

    metric: Metric = "bleu"
    """Judges models in the gate, and epochs in training. chrF judges in any case where the
    references are too short for BLEU: fewer than 5 tokens on the average."""
    min_bleu: float | None = Field(default=15.0, ge=0, le=100)
    """Floor: the lowest allowed corpus BLEU on the test split, where BLEU judges. With null the
    gate then blocks every model."""
    min_chrf: float | None = Field(default=None, ge=0, le=100)
    """The same for chrF, where chrF judges."""
    max_bleu_drop: float = Field(default=1.0, ge=0, le=100)
    """Largest drop of BLEU below the live model, over all test sentences."""
    max_chrf_drop: float = Field(default=1.0, ge=0, le=100)
    """The same for chrF, where chrF judges."""
    significance: float = Field(default=0.05, gt=0, lt=1)
    """Probability of blocking a model as good as the live one as worse, over all or in any slice
    (paired bootstrap, Koehn 2004)."""
    bootstrap_resamples: int = Field(default=1000, ge=100, le=100_000)
    """Number of test sets drawn by the paired bootstrap."""
    min_slice_sentences: int = Field(default=100, ge=1)
    """A slice with fewer test sentences is reported but does not count."""
    require_improvement: bool = False
    """Whether a model must also be significantly better than the live one."""
    slice_features: list[FeatureName] = Field(default_factory=list)
    """Features of the corpus for slicing, in addition to the length buckets."""

    @property
    def slicing(self) -> list[str]:
        """The features for slicing the test set: the length bucket and the user's choice."""
        return list(dict.fromkeys([LENGTH_BUCKET, *self.slice_features]))


class GateSettings(GateBounds):
    """The bounds, the tokeniser of BLEU, and the seed of the bootstrap."""

    tokeniser: Tokeniser = "13a"
    seed: int = Field(default=1, ge=0)

    @property
    def scoring(self) -> Scoring:
        """How the test split is scored."""
        return Scoring(self.metric, self.tokeniser)

    def floor(self, judge: Metric) -> float | None:
        """The lowest allowed score, where this metric judges."""
        return cast("float | None", getattr(self, f"min_{judge}"))
