import unicodedata

import pytest
import tensorflow as tf
from hypothesis import given, strategies

from tests.any_text import texts
from text.characters import WORD_START
from text.normal_form import normalise, split_words

NASTY = [
    b"",
    b"   ",
    b" two  words\t",
    "nicht\u00a0trennbar".encode(),
    b"broken \xff\xfe bytes",
    b"nul\x00 and \x1f separator",
    f"a {WORD_START} marker".encode(),
    "日本語のテキスト 😀 مرحبا".encode(),
    "e\u0301 combining".encode(),
    b"v1.2.3-4 (100%)",
]


def test_normalising_twice_changes_nothing_more():
    once = normalise(tf.constant(NASTY))
    assert tf.reduce_all(normalise(once) == once)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b" two  words\t", "two words"),
        ("nicht\u00a0trennbar".encode(), "nicht trennbar"),
        (b"broken \xff", "broken \ufffd"),
        (f"a {WORD_START}".encode(), "a _"),
        (b"line\nbreak\x00", "line break"),
        (b"  ", ""),
    ],
)
def test_every_text_gets_one_spelling(text, expected):
    assert normalise(tf.constant([text])).numpy()[0].decode() == expected


def test_words_joined_give_the_text_back():
    assert_words_joined_give_the_text_back(normalise(tf.constant(NASTY)))


def assert_words_joined_give_the_text_back(texts):
    joined = tf.strings.reduce_join(split_words(texts), axis=-1)
    spaced = tf.strings.regex_replace(joined, WORD_START, " ")
    expected = tf.where(texts == "", "", tf.strings.join([" ", texts]))
    assert spaced.numpy().tolist() == expected.numpy().tolist()


def test_letters_digits_and_punctuation_are_words_of_their_own():
    words = split_words(tf.constant(["Version 12.5, ja!"])).to_list()[0]
    assert [word.decode() for word in words] == [
        "▁Version", "▁1", "2", ".", "5", ",", "▁ja", "!",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("کتاب\u200cها را می\u200cخواهم.", ["▁کتاب\u200cها", "▁را", "▁می\u200cخواهم", "."]),
        ("राष्\u200dट्र", ["▁राष्\u200dट्र"]),
        ("ශ්\u200dරී ලංකා", ["▁ශ්\u200dරී", "▁ලංකා"]),
        ("۱۳۹۹ ه\u200d.", ["▁۱", "۳", "۹", "۹", "▁ه\u200d", "."]),
        ("👨\u200d👩\u200d👧!", ["▁👨\u200d👩\u200d👧!"]),
    ],
)
def test_joiners_are_a_part_of_the_word_that_is_spelt_with_them(text, expected):
    once = normalise(tf.constant([text]))
    assert once.numpy()[0].decode() == text
    assert [word.decode() for word in split_words(once).to_list()[0]] == expected


@given(strategies.lists(texts.map(str.encode) | strategies.binary(), min_size=1))
def test_any_bytes_get_a_normal_form_and_words(contents: list[bytes]) -> None:
    once = normalise(tf.constant(contents))
    assert normalise(once).numpy().tolist() == once.numpy().tolist()
    for text in once.numpy():
        assert not [c for c in text.decode() if unicodedata.category(c) == "Cc"]
    assert_words_joined_give_the_text_back(once)
