import pytest

from text.numbers import missing_numbers

MISSING = {
    "a digit less": ("at 12:30", "um 12:3", ["12:30"]),
    "another number": ("version 2.4 of it", "Version 2.5 davon", ["2.4"]),
    "no number at all": ("since 1998", "seither", ["1998"]),
    "a small number that became another": ("2 dogs", "7 Hunde", ["2"]),
    "one of two": ("from 640 to 1024", "von 640", ["1024"]),
    "within a name": ("libgtk3.24 is here", "libgtk ist hier", ["3.24"]),
}
KEPT = {
    "as it is": ("at 12:30", "um 12:30"),
    "points for commas": ("1,234,567.89 bytes", "1.234.567,89 Bytes"),
    "spaces for commas": ("1,000 and 25,000", "1 000 und 25\u202f000"),
    "no mark": ("1,000 bytes", "1000 Bytes"),
    "a date": ("on 2024-02-29", "am 29.02.2024"),
    "a range": ("10-20 files", "10 bis 20 Dateien"),
    "an ordinal": ("the 3rd of 25th", "die 3. von 25."),
    "a small number as a word": ("2 dogs", "zwei Hunde"),
    "digits of another script": ("٢٠٢٤", "2024"),
    "a number that is not in the source": ("two dogs", "2 Hunde"),
    "more digits than a number of Python's": ("9" * 5000, "9" * 5000),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_number_without_its_digits_is_missing(name: str) -> None:
    source, translation, expected = MISSING[name]
    assert missing_numbers(source, translation) == expected


@pytest.mark.parametrize("name", KEPT)
def test_a_number_may_be_written_in_another_way(name: str) -> None:
    assert missing_numbers(*KEPT[name]) == []
