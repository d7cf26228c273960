import io

import pytest

from pipeline.corpora.formats.csv import read_csv
from pipeline.corpora.formats.text_file import Reading, TextFile
from pipeline.errors import UserError


def rows(text: str) -> list[tuple[int, list[str]]]:
    content = text.encode()
    file = TextFile("a.csv", lambda: io.BytesIO(content), len(content))
    return [(line, list(cells)) for line, cells in read_csv(file, Reading())]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_quoted_cells_hold_delimiters_quotes_and_line_ends(delimiter: str) -> None:
    row = delimiter.join(['"He said, ""hi; there""\tand\r\nleft."', "Er, ging"[:2], "3"])
    text = f"{row}\r\n{delimiter.join('abc')}\r\n"
    assert rows(text) == [
        (1, ['He said, "hi; there"\tand\nleft.', "Er", "3"]),
        (3, ["a", "b", "c"]),
    ]


def test_a_comma_in_the_text_is_no_delimiter_where_semicolons_are() -> None:
    assert rows("Yes, sir;Ja\nNo;Nein, nein\nWell;Nun\n")[0] == (1, ["Yes, sir", "Ja"])


def test_a_quote_that_does_not_end_is_named() -> None:
    with pytest.raises(UserError, match=r"Line 2 of a\.csv begins a cell that does not end"):
        rows('one,eins\n"two,zwei\n' + "three,drei\n" * 20_000)
