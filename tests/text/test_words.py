import pytest

from text.words import words_of

WORDS = {
    "punctuation around a word": ('"GTK+", (libfoo-dev): e.g.', ["GTK+", "libfoo-dev", "e.g"]),
    "punctuation inside a word": ("x11-common/1.2 foo_bar", ["x11-common/1.2", "foo_bar"]),
    "marks that are part of a name": ("C++ C# --help ~/bin", ["C++", "C#", "--help", "~/bin"]),
    "no letter and no digit": ("a – b ... * +", ["a", "b"]),
    "German quotes": ("„Qt“ ‚KDE‘ »X«", ["Qt", "KDE", "X"]),
}


@pytest.mark.parametrize("name", WORDS)
def test_a_text_is_split_into_words(name: str) -> None:
    text, expected = WORDS[name]
    assert words_of(text) == expected
