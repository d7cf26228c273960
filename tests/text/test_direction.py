import sys
import unicodedata

import pytest

from text.direction import direction_of, isolate, isolate_words


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("The new package", "ltr"),
        ("החבילה החדשה", "rtl"),
        ("apt היא מנהל חבילות", "rtl"),
        ("The word שלום means peace.", "ltr"),
        ("می\u200cخواهم", "rtl"),
        ("۱۲۳ ש", "rtl"),
        ("(2.0) – !", "ltr"),
        ("日本語", "ltr"),
        ("", "ltr"),
    ],
)
def test_a_text_goes_the_way_of_its_words(text: str, direction: str) -> None:
    assert direction_of(text) == direction


def test_only_words_with_right_to_left_letters_are_isolated() -> None:
    assert isolate("Käse") == "Käse"
    assert isolate("(של") == "\u2067(של\u2069"
    assert isolate("apt הוא מנהל") == "\u2067apt הוא מנהל\u2069"
    assert isolate("the word של") == "\u2066the word של\u2069"


def test_the_punctuation_of_a_sentence_stays_outside_of_the_words_in_it() -> None:
    assert isolate_words("never looked at: של, (ה-apt), a") == (
        "never looked at: \u2067של\u2069, (\u2067ה\u2069-apt), a"
    )
    assert isolate_words("missing numbers: 12; low score") == "missing numbers: 12; low score"


def test_every_right_to_left_letter_is_isolated() -> None:
    letters = [
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.bidirectional(character) in ("R", "AL") and character != "\u200f"
    ]
    assert len(letters) > 2000
    assert [letter for letter in letters if isolate(letter) == letter] == []
