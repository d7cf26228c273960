import sys

import numpy as np
import pytest
import tensorflow as tf

from text.characters import as_read, compose, is_visible, visible_characters
from text.normal_form import normalise

SURROGATES = range(0xD800, 0xE000)
CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if code not in SURROGATES]


def read(texts: list[str]) -> list[str]:
    return [text.decode() for text in normalise(tf.constant(texts)).numpy()]


def test_every_character_is_read_as_the_normal_form_reads_it() -> None:
    texts = [f"a{character}b" for character in CHARACTERS]
    assert list(map(visible_characters, texts)) == [
        [c for c in text if c != " "] for text in read(texts)
    ]
    assert list(map(visible_characters, CHARACTERS)) == [
        [c for c in text if c != " "] for text in read(CHARACTERS)
    ]


def test_random_texts_are_read_as_the_normal_form_reads_them() -> None:
    rng = np.random.default_rng(1)
    frequent = [
        *"ab\u0301 \u00a0\u3000\u200c\u200d\u00ad\u0b95\u0bc7\u0bbe\u05d0\u212b\u2581\n😀\ufe0f"
    ]
    some = [frequent[i] for i in rng.integers(0, len(frequent), 150_000)]
    any_ = [CHARACTERS[i] for i in rng.integers(0, len(CHARACTERS), 50_000)]
    letters = rng.permutation(np.array(some + any_, object)).tolist()
    texts = ["".join(letters[start : start + 10]) for start in range(0, len(letters), 10)]
    once = read(texts)
    assert read(once) == once
    assert list(map(visible_characters, texts)) == [[c for c in t if c != " "] for t in once]


def test_a_byte_that_is_no_utf_8_is_read_as_the_normal_form_reads_it() -> None:
    [byte] = b"\xff".decode("utf-8", errors="surrogateescape")
    assert is_visible(byte)
    assert as_read(byte) == normalise(tf.constant([b"\xff"])).numpy()[0].decode()
    assert compose(byte) == "\ufffd"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docu\u00admen\u00adta\u00adtion", "documentation"),
        ("\ufeffA\u200b pack\u200dage\u200e", "A package"),
        ("cafe\u0301", "caf\u00e9"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("\u200d \u200ca\u00a0b", " a\u00a0b"),
    ],
)
def test_joiners_stay_where_a_script_needs_them(text: str, expected: str) -> None:
    assert compose(text) == expected
