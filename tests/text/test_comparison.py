import pytest

from text.comparison import comparison_key, text_hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Version 5.2 of the LIBRARY.", "version 6 of the library"),
        ("Hello, world!", "hello world"),
        ("»Straße« 1", "straße"),
        ("ﬁle", "file"),
    ],
)
def test_near_duplicates_have_one_key(one: str, other: str) -> None:
    assert comparison_key(one) == comparison_key(other)


@pytest.mark.parametrize(("one", "other"), [("a cat", "a bat"), ("1", "2"), ("?", "!")])
def test_different_texts_have_different_keys(one: str, other: str) -> None:
    assert comparison_key(one) != comparison_key(other)


def test_a_hash_is_the_same_on_every_machine() -> None:
    # The first eight bytes of sha256sum's answer to `printf debian`.
    assert text_hash("debian") == 0x81D93757457F9885
