import pytest

from components.report.coverage import measure_coverage

TOKENS = [
    ("▁The", "▁mat", "</s>"),
    ("▁G", "ar", "ten", "▁", "<0xC3>", "<0xA4>", "▁<unk>", "</s>"),
]


def test_words_and_subwords_are_counted_without_the_end():
    coverage = measure_coverage(TOKENS)
    assert (coverage.words, coverage.subwords) == (5, 9)
    assert coverage.subwords_per_word == pytest.approx(9 / 5)


def test_a_word_in_one_piece_is_known():
    assert measure_coverage(TOKENS).whole_words == 3


def test_bytes_are_counted():
    assert measure_coverage(TOKENS).bytes == 2


def test_unknown_symbols_are_counted():
    assert measure_coverage([("▁a", "<unk>")]).unknown == 1


def test_the_words_of_most_pieces_are_named_as_a_reader_knows_them():
    assert measure_coverage(TOKENS).most_split == [("ä", 3), ("Garten", 3)]


def test_repeated_words_count_each_time():
    assert measure_coverage([TOKENS[0]] * 4).words == 8


def test_nothing_is_covered_by_nothing():
    assert measure_coverage([]).subwords_per_word == 0
