"""Detection of repetitions without end in translations."""

import pytest
from hypothesis import given, strategies

from text.repetition import is_loop, longest_loop, most_repetitions

LOOPS = {
    "one word": "ein Hund Hund Hund",
    "a phrase": "ein Mann in einem Hemd, in einem Hemd, in einem Hemd.",
    "capitals and punctuation between": "Der Hund. der Hund; DER HUND!",
    "letters within a word": "eine Bananananana",
    "a script without spaces": "私は犬です犬です犬です犬です",
}
NO_LOOPS = {
    "nothing": "",
    "two times": "der Hund und der Hund",
    "twice in a row": "sehr sehr schön",
    "one letter": "hmmmmmm",
    "the same word here and there": "ein Hund, ein Mann, ein Kind und ein Ball",
}


@pytest.mark.parametrize("name", LOOPS)
def test_what_repeats_in_a_row_is_a_loop(name: str) -> None:
    assert is_loop("A man and a dog.", LOOPS[name])


@pytest.mark.parametrize("name", NO_LOOPS)
def test_what_people_write_is_no_loop(name: str) -> None:
    assert not is_loop("A man and a dog.", NO_LOOPS[name])


def test_what_the_source_repeats_as_often_is_no_loop() -> None:
    assert not is_loop("It is very, very, very cold.", "Es ist sehr, sehr, sehr kalt.")


def test_more_repetitions_than_in_the_source_are_a_loop() -> None:
    assert is_loop("It is very, very, very cold.", "Es ist sehr, sehr, sehr, sehr kalt.")


def test_the_repetitions_of_a_loop_are_counted() -> None:
    assert longest_loop("a dog", "ein Hund Hund Hund Hund") == 4
    assert longest_loop("no", "nananananana, ja ja ja") == 6
    assert longest_loop("very, very, very cold", "sehr, sehr, sehr kalt") == 0


@pytest.mark.parametrize(
    ("items", "most"), [("", 1), ("a", 1), ("ab", 1), ("aab", 2), ("xababab", 3), ("abcabcab", 2)]
)
def test_the_most_repeated_group_of_neighbours_is_counted(items: str, most: int) -> None:
    assert most_repetitions(items) == most


@given(strategies.lists(strategies.sampled_from(["ab", "AB", "c", "hahahaha", "."]), max_size=12))
def test_no_loop_is_passed_over(words: list[str]) -> None:
    text = " ".join(words)
    plain = [word.casefold() for word in words if word != "."]
    letters = max((most_repetitions(word, 2) for word in plain), default=1)
    assert is_loop("", text) == (most_repetitions(plain) >= 3 or letters >= 4)
