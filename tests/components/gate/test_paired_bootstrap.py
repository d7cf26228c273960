"""The paired bootstrap: properties for every pair of models, and the meaning of Koehn's count."""

import numpy as np
import pytest
from numpy.typing import NDArray

from components.gate.paired_bootstrap import paired_bootstrap

Rows = NDArray[np.int64]


def accuracy(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """A simple score: correct words divided by all words, in percent."""
    return 100 * totals[:, 0] / totals[:, 1]


def model(correct: list[int] | Rows, words: int = 10) -> Rows:
    correct = np.asarray(correct)
    return np.stack([correct, np.full_like(correct, words)], axis=1)


def random_model(seed: int, share: float, sentences: int = 200) -> Rows:
    return model(np.random.default_rng(seed).binomial(10, share, sentences))


def test_equal_models_are_not_different() -> None:
    rows = random_model(1, 0.5)
    comparison = paired_bootstrap(rows, rows, accuracy)
    assert (comparison.difference, comparison.p_value) == (0, 1)
    assert (comparison.low, comparison.high) == (0, 0)


def test_a_model_that_is_worse_on_every_sentence_has_the_smallest_p_value() -> None:
    comparison = paired_bootstrap(model([4, 5, 3]), model([6, 7, 9]), accuracy, resamples=999)
    assert comparison.p_value == 1 / 1000


def test_a_model_that_is_better_on_every_sentence_has_p_value_one() -> None:
    comparison = paired_bootstrap(model([6, 7, 9]), model([4, 5, 3]), accuracy)
    assert comparison.p_value == 1


def test_the_difference_is_candidate_minus_baseline_on_the_whole_test_set() -> None:
    comparison = paired_bootstrap(model([4, 6]), model([6, 9]), accuracy)
    assert comparison.difference == pytest.approx(-25)


def test_a_difference_within_noise_is_not_significant() -> None:
    comparison = paired_bootstrap(random_model(1, 0.5), random_model(2, 0.5), accuracy)
    assert comparison.low < 0 < comparison.high
    assert comparison.p_value > 0.05


def test_the_p_value_is_that_of_enumerating_all_resamples() -> None:
    # The candidate wins one sentence by 1 and loses the other by 3. Of the four equally likely
    # resamples (11, 12, 21, 22) it is not worse only on 11: 1/4.
    comparison = paired_bootstrap(model([6, 2]), model([5, 5]), accuracy, resamples=20_000, seed=5)
    assert comparison.p_value == pytest.approx(1 / 4, abs=0.01)


@pytest.mark.parametrize("order_seed", [1, 2, 3])
def test_the_order_of_the_sentences_does_not_matter(order_seed: int) -> None:
    candidate, baseline = random_model(1, 0.5), random_model(2, 0.55)
    order = np.random.default_rng(order_seed).permutation(len(candidate))
    assert paired_bootstrap(candidate[order], baseline[order], accuracy) == paired_bootstrap(
        candidate, baseline, accuracy
    )


def test_the_memory_bound_does_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    candidate, baseline = random_model(1, 0.5), random_model(2, 0.55)
    whole = paired_bootstrap(candidate, baseline, accuracy)
    monkeypatch.setattr("components.gate.paired_bootstrap._BLOCK", 1000)
    assert paired_bootstrap(candidate, baseline, accuracy) == whole


def test_the_seed_fixes_the_answer() -> None:
    candidate, baseline = random_model(1, 0.5), random_model(2, 0.5)
    answers = {paired_bootstrap(candidate, baseline, accuracy, seed=seed) for seed in (1, 1, 2)}
    assert len(answers) == 2


def test_models_of_different_test_sets_are_refused() -> None:
    with pytest.raises(ValueError, match="the same sentences"):
        paired_bootstrap(model([1, 2]), model([1]), accuracy)


def test_no_sentence_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        paired_bootstrap(model([]), model([]), accuracy)
