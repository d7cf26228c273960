import numpy as np
import pytest

from serving.attention.alignment import align_words, as_pharaoh, as_soft_pharaoh, soft_links
from serving.attention.words import GivenWords


def given(attention, on_end=None) -> GivenWords:
    """Returns words with given attention; the missing weight of a row is on the end symbol."""
    attention = np.array(attention, np.float32)
    rest = 1 - attention.sum(axis=1) if on_end is None else np.array(on_end, np.float32)
    return GivenWords(
        tuple(f"s{number}" for number in range(attention.shape[1])),
        tuple(f"t{number}" for number in range(attention.shape[0])),
        attention,
        rest.astype(np.float32),
    )


def test_each_target_word_is_aligned_with_the_source_word_of_most_weight():
    assert align_words(given([[0.1, 0.7, 0.2], [0.8, 0.1, 0.1]])) == [(1, 0), (0, 1)]


def test_a_word_that_looked_at_the_end_more_than_at_any_word_is_not_aligned():
    assert align_words(given([[0.3, 0.3], [0.4, 0.3]])) == [(0, 1)]


def test_of_equal_weights_the_first_word_wins_even_against_the_end():
    assert align_words(given([[0.25, 0.25, 0.25]])) == [(0, 0)]


def test_a_word_without_any_weight_is_not_aligned():
    assert align_words(given([[0, 0], [0, 1]], on_end=[0, 0])) == [(1, 1)]


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0, 0)])
@pytest.mark.parametrize("mutual", [False, True])
def test_no_words_have_no_links(shape, mutual):
    words = given(np.zeros(shape), on_end=np.zeros(shape[0]))
    assert align_words(words, mutual=mutual) == []
    assert soft_links(words) == []


def test_mutual_alignment_prefers_a_source_word_that_no_other_word_looks_at():
    # Both give word 0 their largest weight, but only the second target word attends to word 1.
    words = given([[0.9, 0.0], [0.5, 0.4]])
    assert align_words(words) == [(0, 0), (0, 1)]
    assert align_words(words, mutual=True) == [(0, 0), (1, 1)]


def test_mutual_alignment_of_clear_attention_is_the_plain_one():
    words = given(np.eye(5) * 0.8 + 0.02)
    assert align_words(words, mutual=True) == align_words(words)


def test_every_target_word_has_at_most_one_link_in_order():
    rng = np.random.default_rng(3)
    links = align_words(given(rng.dirichlet(np.ones(9), 12)[:, :8]))
    targets = [target for _, target in links]
    assert targets == sorted(set(targets))


def test_links_are_written_as_fast_align_writes_them():
    assert as_pharaoh([(0, 0), (2, 1)]) == "0-0 2-1"
    assert as_pharaoh([]) == ""


def test_soft_links_leave_out_what_would_be_zero():
    links = soft_links(given([[0.996, 0.004], [0.25, 0.75]]))
    assert as_soft_pharaoh(links) == "0-0:1.00 0-1:0.25 1-1:0.75"
