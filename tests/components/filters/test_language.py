import pytest

from components.filters.language import SwappedColumns, WrongLanguage
from components.filters.profile import CorpusProfile

PROFILE = CorpusProfile(
    ("en", "de"), common_words=(frozenset({"the", "is"}), frozenset({"der", "ist"}))
)
FRENCH = "Bonjour mon ami, comment ça va"


@pytest.mark.parametrize(
    ("source", "target", "found"),
    [
        ("Hello there, my dear friend", FRENCH, "target: fr"),
        (FRENCH, "Hallo, mein lieber Freund", "source: fr"),
        ("Hello there, my dear friend", "Hallo, mein lieber Freund", None),
        ("Bonjour", "Bonjour", None),
    ],
)
def test_a_side_surely_in_a_third_language_is_found(source, target, found):
    assert WrongLanguage(PROFILE)(source, target) == found


@pytest.mark.parametrize("languages", [("", ""), ("tlh", "tlh")])
def test_an_unknown_language_is_not_judged(languages):
    assert WrongLanguage(CorpusProfile(languages))(FRENCH, FRENCH) is None


@pytest.mark.parametrize(
    ("source", "target", "is_swapped"),
    [
        ("Der Hund schläft.", "The dog sleeps.", True),
        ("The dog sleeps.", "Der Hund schläft.", False),
        ("Der Hund schläft.", "Der Hund schläft.", False),
        ("The dog sleeps.", "The dog sleeps.", False),
        ("Hund", "dog", False),
    ],
)
def test_swapped_columns_have_common_words_of_the_other_side(source, target, is_swapped):
    assert bool(SwappedColumns(PROFILE)(source, target)) == is_swapped
