import pytest

from components.filters.profile import CorpusProfile
from components.filters.two_sides import (
    CharacterRatio,
    few_letters,
    identical_sides,
    markup_differs,
    numbers_differ,
    repeated_words,
)

GOOD = ("The user opens the door.", "Der Benutzer öffnet die Tür.")
FILTERS = [
    identical_sides,
    few_letters,
    CharacterRatio(CorpusProfile(length_ratio=1.1)),
    repeated_words,
    numbers_differ,
    markup_differs,
]


@pytest.mark.parametrize("find", FILTERS)
@pytest.mark.parametrize(
    "pair",
    [
        GOOD,
        ("Save", "Abspeichern"),
        ("Click <b>here</b> to go on", "Klicken Sie <b>hier</b>"),
        ("Welcome %s, you have %d messages", "Willkommen %s, Sie haben %d Nachrichten"),
        ("very, very, very good", "sehr, sehr, sehr gut"),
        ("1,000 files on 2024-02-29", "1.000 Dateien am 29.02.2024"),
        ("rule 2", "規則2"),
    ],
)
def test_a_translation_passes(find, pair):
    assert find(*pair) is None


@pytest.mark.parametrize(
    "pair",
    [
        ("The cat is black.", "The cat is black."),
        ("The cat is black", "the cat is black!"),
        ("http://example.com/a", "http://example.com/a"),
        ("12345", "12345"),
    ],
)
def test_untranslated_text_is_found(pair):
    assert identical_sides(*pair)


def test_signs_are_found_on_either_side():
    assert few_letters("!!!", "Gut") == "source: 0 letters in 3 characters"
    assert few_letters("A long row of numbers", "12 34 56 78 a") == (
        "target: 1 letters in 9 characters"
    )


def test_a_placeholder_is_neither_letter_nor_sign():
    assert few_letters("%(name)s: ok", "%(name)s: gut") is None


@pytest.mark.parametrize(
    ("source", "target"), [("Copyright 2019", "ganz anders " * 9), ("a long text " * 9, "Kurz.")]
)
def test_a_length_far_from_the_usual_ratio_is_found(source, target):
    find = CharacterRatio(CorpusProfile(length_ratio=1.1))
    assert find(source, target) == f"{len(source)} against {len(target)} characters"


def test_the_ratio_is_that_of_the_corpus():
    pair = "The weather is fine today, so we go for a walk.", "今日は天気がいいので散歩する。"
    assert CharacterRatio(CorpusProfile(length_ratio=0.4))(*pair) is None
    assert CharacterRatio(CorpusProfile(length_ratio=1.2))(*pair)


def test_a_loop_is_found_on_either_side():
    loop = "Der Hund läuft und läuft und läuft und läuft und"
    assert repeated_words("The dog runs.", loop) == "target"
    assert repeated_words(loop, "The dog runs.") == "source"


def test_a_number_without_a_counterpart_is_found_on_either_side():
    assert numbers_differ("page 17", "Seite 71") == "17, 71"
    assert numbers_differ("a page", "Seite 71") == "71"


def test_markup_without_a_counterpart_is_found_on_either_side():
    assert markup_differs("<b>here</b>", "hier") == "<b> </b>"
    assert markup_differs("here", "hier&nbsp;") == "&nbsp;"
