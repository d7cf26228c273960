from pathlib import Path

import pytest
import tensorflow as tf

from trainer.recasing import Recaser, in_capitals, is_in_capitals
from trainer.subwords import SubwordEncoder, vocabulary_lines

BY_FREQUENCY = [
    *"▁abcdefghijklmnopqrstuvwxyzäöüABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ",
    *["▁the", "▁package", "▁is", "▁Debian", "▁The", "▁PDF", "▁files", "▁Sm", "li", "ch"],
]


@pytest.fixture(scope="module")
def recase(tmp_path_factory):
    path: Path = tmp_path_factory.mktemp("vocabulary") / "subwords.txt"
    path.write_text("\n".join(vocabulary_lines(BY_FREQUENCY)) + "\n", encoding="utf-8")
    recaser = Recaser(SubwordEncoder(str(path), 16).encode_words)

    @tf.function
    def run(texts):
        return recaser(texts)

    return lambda *texts: [text.decode() for text in run(tf.constant(texts, tf.string)).numpy()]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("THE PACKAGE IS THE BEST.", "The package is the best."),
        ("THE DEBIAN PACKAGE: 12 PDF-FILES!", "The Debian package: 12 PDF-files!"),
        ("DIE GRÖSSE, ÄHNLICH", "Die grösse, ähnlich"),
        ("The Package Is Smith Files", "The package is Smith files"),
        ("The PDF and LaTeX Package Is The Files", "The PDF and LaTeX package is the files"),
        ("The Package of Debian and the Files Is", "The package of Debian and the files is"),
        ("PDF", "PDF"),
        ("PACKAGE", "Package"),
    ],
)
def test_capitals_and_title_case_are_read_in_the_usual_case(recase, written, read):
    assert recase(written) == [read]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The package is here.",
        "New York Times",
        "日本語",
        "123 !",
        "Debian and GNU",
        "the PDF is",
    ],
)
def test_other_texts_stay(recase, text):
    assert recase(text, "THE PACKAGE") == [text, "The package"]
    assert recase(text) == [text]


def test_texts_are_written_in_capitals_again():
    assert is_in_capitals(tf.constant(["A B", "A b", "1", ""])).numpy().tolist() == [
        True,
        False,
        False,
        False,
    ]
    written = in_capitals(tf.constant(["größe", "klein"]), tf.constant([True, False]))
    assert [text.decode() for text in written.numpy()] == ["GRÖSSE", "klein"]
