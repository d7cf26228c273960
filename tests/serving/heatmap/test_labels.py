import pytest

from serving.heatmap.labels import printable, shortened


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\u202e", "\u2066", "\ud800"])
def test_what_a_screen_would_obey_is_replaced(character: str) -> None:
    assert printable(f"a{character}b") == "a\ufffdb"


@pytest.mark.parametrize("word", ["Käse", "日本", "می\u200cخواهم", "क्\u200dष", "👩\u200d🏫"])
def test_words_keep_what_they_are_spelt_with(word: str) -> None:
    assert printable(word) == word


def test_a_long_word_is_cut_in_its_middle() -> None:
    assert shortened("Donaudampfschiff", 7) == "Don…iff"
    assert shortened("Donau", 7) == "Donau"
