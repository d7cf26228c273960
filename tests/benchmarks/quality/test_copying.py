from benchmarks.quality.copying import (
    ALL,
    NAMES,
    UNKNOWN,
    WITH_DIGIT,
    copying_table,
    measure_copying,
)

SOURCE = "The GTK+ version of Vim 9.1 needs libfoo and libfoo."
REFERENCE = "Die GTK+-Version von Vim 9.1 benötigt libfoo und libfoo."


def measure(hypothesis: str, known: str = "The version of Vim needs and"):
    return measure_copying([SOURCE], [REFERENCE], [hypothesis], set(known.split()))


def test_words_of_the_source_that_the_reference_has_too_are_to_be_copied() -> None:
    copies = measure("")
    assert copies[ALL].lost == {"GTK+": 1, "Vim": 1, "9.1": 1, "libfoo": 2}
    assert copies[ALL].needed == 5


def test_the_reference_itself_keeps_everything() -> None:
    for counts in measure(REFERENCE).values():
        assert (counts.kept, counts.share, sum(counts.lost.values())) == (counts.needed, 1, 0)


def test_an_empty_translation_keeps_nothing() -> None:
    for counts in measure("").values():
        assert (counts.kept, counts.share, sum(counts.lost.values())) == (0, 0, counts.needed)


def test_a_word_is_kept_as_often_as_it_was_to_be_copied_at_most() -> None:
    copies = measure("libfoo libfoo libfoo libfoo")
    assert copies[ALL].kept == 2


def test_a_word_that_is_copied_once_of_two_times_is_lost_once() -> None:
    copies = measure("GTK+ Vim 9.1 benötigt libfoo.")
    assert (copies[ALL].kept, copies[ALL].lost) == (4, {"libfoo": 1})


def test_a_changed_word_is_lost() -> None:
    assert measure("GTK vim 9,1 libfoo libfoo")[ALL].lost == {"GTK+": 1, "Vim": 1, "9.1": 1}


def test_words_with_a_digit_and_unknown_words_are_counted_on_their_own() -> None:
    copies = measure("Vim 9.0 benötigt libfoo und libfoo.")
    counts = {name: (each.needed, each.kept) for name, each in copies.items()}
    assert counts == {ALL: (5, 3), NAMES: (5, 3), WITH_DIGIT: (1, 0), UNKNOWN: (4, 2)}


def test_plain_words_are_no_names_unless_the_training_text_lacks_them() -> None:
    text = "so x11 xterm vi"
    copies = measure_copying([text], [text], [""], {"so", "x11", "vi"})
    assert copies[ALL].lost.keys() == {"so", "x11", "xterm", "vi"}
    assert copies[NAMES].lost.keys() == {"x11", "xterm"}


def test_a_part_of_a_compound_is_kept() -> None:
    copies = measure("Die libfoo-Bibliothek benötigt GTK+ 9.1.")[ALL]
    assert (copies.kept, copies.lost) == (3, {"Vim": 1, "libfoo": 1})


def test_a_part_of_a_name_of_the_source_is_no_compound() -> None:
    [source, reference] = ["foo and foo-dev"], ["foo und foo-dev"]
    copies = measure_copying(source, reference, ["foo-dev"], set())[ALL]
    assert (copies.needed, copies.kept) == (2, 1)


def test_nothing_to_copy_has_no_share() -> None:
    copies = measure_copying(["a cat"], ["eine Katze"], ["eine Katze"], set())
    assert copies[ALL].share is None
    assert "–" in copying_table(copies)


def test_the_table_gives_counts_and_shares() -> None:
    table = copying_table(measure("Die libfoo-Bibliothek benötigt Vim 9.1."))
    row = next(line for line in table.splitlines() if line.startswith("| all"))
    assert [cell.strip() for cell in row.split("|")[1:-1]] == ["all", "5", "3", "60.0 %"]
