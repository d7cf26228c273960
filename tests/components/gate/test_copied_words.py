"""Words to copy, and words copied."""

from components.gate.copied_words import CopiedWord, copied_words


def test_what_the_reference_copies_is_to_be_copied_as_often_as_there() -> None:
    words = copied_words("Qt 5 and Qt 6 and GTK", "Qt 5 und 6, nicht Gtk", "Qt Qt 5")
    assert set(words) == {CopiedWord("Qt", 1, 1), CopiedWord("5", 1, 1), CopiedWord("6", 1, 0)}


def test_the_parts_of_a_compound_are_found_on_both_sides() -> None:
    [word] = copied_words("the GTK library", "die GTK-Bibliothek", "eine GTK-Datei")
    assert word == CopiedWord("GTK", 1, 1)


def test_a_hyphenated_name_of_the_source_is_one_word() -> None:
    [word] = copied_words("install libgtk-dev", "libgtk-dev installieren", "libgtk installieren")
    assert word == CopiedWord("libgtk-dev", 1, 0)
