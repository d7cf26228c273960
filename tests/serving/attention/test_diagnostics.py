import numpy as np
import pytest

from serving.attention.diagnostics import (
    Measures,
    Pattern,
    classify,
    diagnose_translation,
    looked_at_again,
    measure,
    never_looked_at,
)
from serving.contract.translation import Translation
from tests.serving.heatmap.chapter import SOURCE, TARGET, WEIGHTS, make_translation

LENGTHS = [4, 6, 12, 25, 60]


def peaked(positions, sources: int, on_own: float = 0.8) -> np.ndarray:
    """Returns rows with a weight on one word; the rest is shared among its neighbours."""
    weights = np.zeros((len(positions), sources))
    for row, position in enumerate(positions):
        neighbours = [p for p in (position - 1, position + 1) if 0 <= p < sources]
        weights[row, neighbours] = (1 - on_own) / len(neighbours)
        weights[row, position] = on_own
    return weights


def nowhere_else(weights: np.ndarray) -> np.ndarray:
    return np.zeros((len(weights), 2))


def pattern_of(on_words: np.ndarray, elsewhere: np.ndarray | None = None) -> Pattern:
    if elsewhere is None:
        elsewhere = nowhere_else(on_words)
    return classify(measure(on_words, elsewhere))


@pytest.mark.parametrize("length", LENGTHS)
def test_word_by_word_is_diagonal_at_any_length(length):
    assert pattern_of(peaked(range(length), length)) is Pattern.DIAGONAL


@pytest.mark.parametrize(("targets", "sources"), [(6, 12), (12, 6), (20, 25), (5, 4)])
def test_sides_of_different_lengths_are_still_diagonal(targets, sources):
    positions = [row * sources // targets for row in range(targets)]
    assert pattern_of(peaked(positions, sources)) is Pattern.DIAGONAL


@pytest.mark.parametrize("length", LENGTHS)
def test_even_weights_are_spread_at_any_length(length):
    assert pattern_of(np.full((length, length), 1 / length)) is Pattern.SPREAD


@pytest.mark.parametrize("length", LENGTHS)
def test_halves_that_changed_places_are_reordering_at_any_length(length):
    half = length // 2
    order = [*range(half, length), *range(half)]
    assert pattern_of(peaked(order, length)) is Pattern.REORDERING


@pytest.mark.parametrize("length", LENGTHS)
def test_backwards_is_reordering(length):
    assert pattern_of(peaked(range(length)[::-1], length)) is Pattern.REORDERING


def test_two_neighbours_that_changed_places_are_diagonal_in_a_sentence_of_usual_length():
    assert pattern_of(peaked([0, 2, 1, 3, 4, 5, 6, 7], 8)) is Pattern.DIAGONAL


def test_a_german_verb_that_moved_to_the_end_is_reordering():
    # "who has often played football ..." as "der oft Fußball gespielt hat ..."
    assert pattern_of(peaked([0, 2, 4, 3, 1], 5)) is Pattern.REORDERING


def test_in_order_but_far_from_its_place_is_reordering():
    # The translation covers only the end of the sentence.
    assert pattern_of(peaked([14, 15, 16, 17, 18, 19], 20)) is Pattern.REORDERING


@pytest.mark.parametrize("length", LENGTHS)
def test_looking_at_the_end_whatever_the_word_is_spurious(length):
    on_words = 0.1 * peaked(range(length), length)
    elsewhere = np.column_stack([np.zeros(length), np.full(length, 0.9)])
    assert pattern_of(on_words, elsewhere) is Pattern.SPURIOUS


@pytest.mark.parametrize("length", LENGTHS)
def test_looking_at_one_word_all_the_time_is_spurious(length):
    assert pattern_of(peaked([1] * length, length)) is Pattern.SPURIOUS


def test_a_first_word_alone_that_looks_at_the_end_is_not_spurious():
    on_words = peaked(range(3), 3)
    on_words[0] *= 0.1
    elsewhere = np.array([[0, 0.9], [0, 0], [0, 0]])
    assert pattern_of(on_words, elsewhere) is Pattern.DIAGONAL


def test_one_word_for_one_word_is_diagonal():
    assert pattern_of(np.ones((1, 1))) is Pattern.DIAGONAL


def test_the_table_of_the_course_material_is_diagonal():
    assert pattern_of(WEIGHTS) is Pattern.DIAGONAL


@pytest.mark.parametrize("seed", range(5))
def test_the_scale_of_rows_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(11, 0.3), 8)
    on_words, elsewhere = weights[:, :9], weights[:, 9:]
    scales = rng.uniform(0.01, 50, (8, 1))
    before, after = measure(on_words, elsewhere), measure(scales * on_words, scales * elsewhere)
    np.testing.assert_allclose(list(vars(after).values()), list(vars(before).values()), rtol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_all_measures_are_shares(seed):
    weights = np.random.default_rng(seed).dirichlet(np.full(11, 0.2), 7)
    measures = measure(weights[:, :9], weights[:, 9:])
    shares = [getattr(measures, name) for name in ("entropy", "monotonicity", "distance", "astray")]
    assert all(0 <= share <= 1 for share in [*shares, measures.concentration])


def test_entropy_is_zero_for_one_word_and_one_for_all():
    assert measure(np.eye(5), np.zeros((5, 1))).entropy == 0
    even = np.full((5, 6), 1 / 6)
    assert measure(even[:, :5], even[:, 5:]).entropy == pytest.approx(1)


def test_monotonicity_is_one_in_order_and_zero_backwards():
    assert measure(np.eye(5), np.zeros((5, 1))).monotonicity == 1
    assert measure(np.eye(5)[::-1], np.zeros((5, 1))).monotonicity == 0


def test_a_pair_counts_by_its_weights():
    # Both later words attend to a position before the first word's, one of them hardly at all.
    weights = np.array([[0, 1], [0.5, 0], [0.1, 0]])
    elsewhere = np.array([[0.0], [0.5], [0.9]])
    # Pairs: 1 * 0.5 and 1 * 0.1 in the wrong order, 0.5 * 0.1 at the same word.
    assert measure(weights, elsewhere).monotonicity == pytest.approx(1 - 0.6 / 0.65)


def test_distance_is_a_quarter_for_one_word_at_the_edge_of_a_long_sentence_to_a_half():
    edge = np.zeros((100, 100))
    edge[:, 0] = 1
    assert measure(edge, nowhere_else(edge)).distance == pytest.approx(0.495)
    middle = np.zeros((100, 100))
    middle[:, 50] = 1
    assert measure(middle, nowhere_else(middle)).distance == pytest.approx(0.25, abs=0.01)


def test_words_beyond_the_cut_are_not_measured():
    weights = np.vstack([np.eye(4), np.zeros((3, 4))])
    assert measure(weights, nowhere_else(weights)) == measure(np.eye(4), np.zeros((4, 2)))


def test_nothing_read_at_all_is_no_problem():
    assert pattern_of(np.zeros((2, 3))) is Pattern.DIAGONAL


def test_spurious_is_said_before_spread_and_spread_before_reordering():
    worst = {"entropy": 0.9, "monotonicity": 0.2, "distance": 0.4, "astray": 0.8}
    worst["concentration"] = 0.1
    assert classify(Measures(**worst, targets=9, sources=9)) is Pattern.SPURIOUS
    assert classify(Measures(**{**worst, "astray": 0.0}, targets=9, sources=9)) is Pattern.SPREAD


def test_words_that_nobody_looked_at_are_found():
    weights = np.array([[0.90, 0.04, 0.06], [0.85, 0.09, 0.06]])
    assert never_looked_at(weights).tolist() == [1, 2]


def test_a_word_is_looked_at_again_only_if_others_are_looked_at_in_between():
    compound = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])
    assert looked_at_again(compound).tolist() == []
    repeated = compound[[0, 2, 1]]
    assert looked_at_again(repeated).tolist() == [0]


def test_a_translation_is_judged_by_its_words_without_punctuation():
    translation = make_translation(SOURCE, TARGET, WEIGHTS)
    diagnosis = diagnose_translation(" ".join(SOURCE), translation)
    assert diagnosis is not None
    assert diagnosis.pattern is Pattern.DIAGONAL
    assert (diagnosis.never_looked_at, diagnosis.looked_at_again) == ((), ())


def test_a_full_stop_that_all_words_look_at_is_spurious_though_it_hangs_on_a_word():
    tokens = ("▁a", "▁cat", "▁sleeps", ".", "</s>")
    attention = np.tile([0.05, 0.05, 0.05, 0.85, 0.0], (4, 1))
    translation = Translation(
        text="eine Katze schläft.",
        score=-1.0,
        source_tokens=tokens,
        target_tokens=("▁eine", "▁Katze", "▁schläft", "."),
        attention=attention.astype(np.float32),
        truncated=False,
    )
    diagnosis = diagnose_translation("a cat sleeps.", translation)
    assert diagnosis is not None
    assert diagnosis.pattern is Pattern.SPURIOUS
    assert diagnosis.never_looked_at == ("a", "cat", "sleeps")


@pytest.mark.parametrize(
    ("source", "target"), [(["..."], ["Ende"]), (["the"], ["!", "?"]), (["the"], [])]
)
def test_a_side_without_words_has_no_diagnosis(source, target):
    assert diagnose_translation(" ".join(source), make_translation(source, target)) is None
