"""The floors of the gate for a corpus, measured without a model.

Two translations of the test split need no model: the source as it stands, and the translation of
another pair, in the right language with the wrong content. A model must be clearly better than
both. The test split is the one that the gate scores, and the scores of another split differ: the
Japanese source has BLEU 5.9 on validation and 9.0 on test. No model learns from the floor.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

from components.gate.settings import GateBounds
from text.sentences import Pair
from trainer.scoring import METRIC_NAMES, Metric, tokeniser_of
from trainer.translation_statistics import corpus_score

MARGIN = 2.0
_MARGIN_SHARE = 0.1
"""Largest margin as a share of what is left up to 100: a source may be almost a translation."""
FEWEST_PAIRS: int = GateBounds.model_fields["min_slice_sentences"].default
"""As in a slice of the gate: a score of fewer sentences says little."""
_SEED = 1


class Floor(NamedTuple):
    """A floor and its reason."""

    value: float | None
    """None if there are too few pairs."""
    reason: str
    """A sentence."""


def measure_floors(pairs: Sequence[Pair], target_language: str) -> dict[Metric, Floor]:
    """Measures the floors of both metrics.

    Args:
        pairs: the test split.
        target_language: a code; it chooses the tokeniser of BLEU.

    Raises:
        MissingTokeniserError: the tokeniser cannot be loaded.
    """
    if len(pairs) < FEWEST_PAIRS:
        none = Floor(
            None,
            f"none yet: {len(pairs)} test pairs are too few to measure one ({FEWEST_PAIRS}). The "
            "gate blocks every model and tells its score: if the translations are good, set the "
            "floor below that and run again, which repeats only the evaluation.",
        )
        return dict.fromkeys(METRIC_NAMES, none)
    sources, references = zip(*pairs, strict=True)
    order = random.Random(_SEED).sample(range(len(pairs)), len(pairs))
    followers = dict(zip(order, [*order[1:], order[0]], strict=True))
    others = [references[followers[place]] for place in range(len(pairs))]
    tokeniser = tokeniser_of(target_language)
    floors: dict[Metric, Floor] = {}
    for metric, name in METRIC_NAMES.items():
        source, other = (
            corpus_score(metric, texts, references, tokeniser) for texts in (sources, others)
        )
        higher = max(source, other)
        margin = min(MARGIN, _MARGIN_SHARE * (100.0 - higher))
        floors[metric] = Floor(
            round(higher + margin, 1),
            f"measured: on the {len(pairs):,} test pairs the source as it stands has {name} "
            f"{source:.1f}, and the translation of another pair {other:.1f}; the floor "
            f"is {margin:.2g} above the higher one.",
        )
    return floors
