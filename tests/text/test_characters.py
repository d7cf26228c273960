import sys

import tensorflow as tf

from text.characters import as_read, is_visible
from text.normal_form import normalise

SURROGATES = range(0xD800, 0xE000)


def test_every_character_is_read_as_the_normal_form_reads_it() -> None:
    characters = [chr(code) for code in range(sys.maxunicode + 1) if code not in SURROGATES]
    expected = [f"a{as_read(c)}b" if is_visible(c) else "a b" for c in characters]
    read = normalise(tf.constant([f"a{character}b" for character in characters])).numpy()
    assert [text.decode() for text in read] == expected


def test_a_byte_that_is_no_utf_8_is_read_as_the_normal_form_reads_it() -> None:
    [byte] = b"\xff".decode("utf-8", errors="surrogateescape")
    assert is_visible(byte)
    assert as_read(byte) == normalise(tf.constant([b"\xff"])).numpy()[0].decode()
