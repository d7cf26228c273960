from components.filters.profile import UNKNOWN_PROFILE
from components.filters.registry import (
    DEFAULT_FILTERS,
    FILTER_NAMES,
    FILTERS,
    NEAR_DUPLICATES,
    PairFilters,
)


def test_every_name_but_one_is_a_filter_of_single_pairs():
    assert {*FILTERS, NEAR_DUPLICATES} == set(FILTER_NAMES)


def test_filters_that_find_good_pairs_are_off():
    assert set(FILTER_NAMES) - set(DEFAULT_FILTERS) == {
        "wrong_language",
        "numbers_differ",
        NEAR_DUPLICATES,
    }


def test_a_pair_counts_for_the_first_filter_that_finds_it():
    pair = "12345", "12345"
    names = ["few_letters", "identical_sides"]
    assert PairFilters(names, UNKNOWN_PROFILE).find(*pair) == (
        "few_letters",
        "source: 0 letters in 5 characters",
    )
    assert PairFilters(names[::-1], UNKNOWN_PROFILE).find(*pair) == (
        "identical_sides",
        "untranslated",
    )


def test_every_filter_passes_a_translation_in_an_unknown_corpus():
    filters = PairFilters(FILTER_NAMES, UNKNOWN_PROFILE)
    assert filters.find("The dog sleeps.", "Der Hund schläft.") is None
