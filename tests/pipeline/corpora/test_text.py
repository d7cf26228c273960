import pytest

from pipeline.corpora.text import count_words, one_line, template_key


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\tb", "a b"),
        ("a \n b", "a b"),
        ("a\r\nb\r", "a b"),
        ("a\u2028b\x85c", "a b c"),
        ("  a  ", "a"),
        ("Quoi\u00a0?", "Quoi\u00a0?"),
        ("two  spaces stay", "two  spaces stay"),
    ],
)
def test_text_fits_one_tsv_column(text: str, expected: str) -> None:
    assert one_line(text) == expected


def test_texts_that_differ_in_a_name_have_one_template() -> None:
    def is_name(word: str, position: int) -> bool:
        return word in {"libfoo", "libbar-dev", "2"}

    one = template_key("This package contains the headers of libfoo 2.", is_name)
    other = template_key("This package contains the headers of (libbar-dev).", is_name)
    assert one == other
    assert one is not None


def test_a_text_of_hardly_anything_but_names_has_no_template() -> None:
    assert template_key("Noto Sans for Thai", lambda word, position: word != "for") is None


def test_words_are_counted_between_white_space() -> None:
    assert count_words(" one  two\u00a0three ") == 3
