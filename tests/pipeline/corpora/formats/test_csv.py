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


@pytest.mark.parametrize("lines", [0, 1, 20_000])
def test_a_quote_that_does_not_end_is_named(lines: int) -> None:
    with pytest.raises(UserError, match=r"Line 2 of a\.csv has a cell with wrong quotes"):
        rows('one,eins\n"two,zwei\n' + "three,drei\n" * lines)


def test_a_quote_within_a_quoted_cell_is_not_lost() -> None:
    with pytest.raises(UserError, match=r"Line 2 of a\.csv has a cell with wrong quotes"):
        rows('one,eins\n"Two" he said,Zwei\n')
