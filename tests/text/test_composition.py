import sys
import unicodedata

import numpy as np
import tensorflow as tf

from text.composition import compose


def composed(texts: list[str]) -> list[str]:
    return [text.decode() for text in tf.function(compose)(tf.constant(texts, tf.string)).numpy()]


def test_every_character_and_its_decomposition_are_composed_as_python_does() -> None:
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    texts = [form for c in characters for form in {c, unicodedata.normalize("NFD", c), f"a{c}"}]
    assert composed(texts) == [unicodedata.normalize("NFC", text) for text in texts]


def test_sequences_of_letters_and_marks_are_composed_as_python_does() -> None:
    material = [
        *"aeiouAEs qḍ\u00c5\u212b\u1e69가각ᄀᄂ",
        *(chr(code) for code in range(sys.maxunicode + 1) if unicodedata.combining(chr(code))),
        *map(chr, [0x1161, 0x1175, 0x11A7, 0x11A8, 0x11C2, 0x09C7, 0x09BE, 0x0B47, 0x0B3E]),
    ]
    rng = np.random.default_rng(1)
    weights = np.array([200.0 if not unicodedata.combining(c) else 1.0 for c in material])
    weights[-9:] = 60
    chosen = rng.choice(len(material), [20_000, 8], p=weights / weights.sum())
    common = [material.index(c) for c in "\u0300\u0301\u0302\u0323\u0327\u0308ae"]
    chosen[10_000:, 1::2] = rng.choice(common, [10_000, 4])
    texts = ["".join(material[place] for place in row) for row in chosen]
    assert composed(texts) == [unicodedata.normalize("NFC", text) for text in texts]


def test_other_texts_of_a_batch_and_empty_ones_stay() -> None:
    assert composed(["", "abc", "e\u0301", ""]) == ["", "abc", "\u00e9", ""]
    assert composed([]) == []
    assert tf.function(compose)(tf.constant([["e\u0301"], ["x"]])).shape == [2, 1]


def test_no_more_than_30_marks_are_composed_with_a_letter() -> None:
    text = "q" + "\u0320" * 200 + "e" + "\u0323" * 40 + "\u0301"
    [found] = composed([text])
    assert unicodedata.normalize("NFD", found) == unicodedata.normalize("NFD", text)
