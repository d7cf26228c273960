import numpy as np
import pytest

from pipeline.corpora.doubtful import (
    DoubtfulPair,
    cross_entropy,
    dual_cross_entropy,
    most_doubtful,
)
from pipeline.corpora.spans import NumberedPair
from serving.contract.translation import ScoredTranslation


def scored(*log_probabilities: float) -> ScoredTranslation:
    size = len(log_probabilities)
    return ScoredTranslation(
        text="",
        score=0.0,
        source_tokens=("</s>",),
        target_tokens=("</s>",) * size,
        attention=np.ones([size, 1], np.float32),
        truncated=False,
        token_log_probability=np.array(log_probabilities, np.float32),
    )


def test_the_cross_entropy_is_a_mean_over_subwords() -> None:
    assert cross_entropy(scored(-1.0, -2.0, -6.0)) == 3.0


@pytest.mark.parametrize(
    ("forward", "backward", "dual"), [(2.0, 2.0, 2.0), (1.0, 3.0, 4.0), (3.0, 1.0, 4.0)]
)
def test_the_dual_cross_entropy_adds_the_disagreement(
    forward: float, backward: float, dual: float
) -> None:
    assert dual_cross_entropy(forward, backward) == dual


def test_the_greatest_doubts_come_first_and_equal_ones_in_their_order() -> None:
    doubts = [1.0, 4.0, 2.0, 4.0, 0.5]
    pairs = (
        DoubtfulPair(doubt, NumberedPair("train-0.tsv", line, "a", "b"), scored(-doubt))
        for line, doubt in enumerate(doubts, start=1)
    )
    assert [each.pair.line for each in most_doubtful(pairs, 3)] == [2, 4, 3]
