"""CSV: rows of cells between commas, semicolons or tabs, quoted as spreadsheets do (RFC 4180)."""

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from pipeline.corpora.formats.records import Format, Record
from pipeline.corpora.formats.text_file import Reading, TextFile
from pipeline.errors import UserError

_DELIMITERS = ",;\t"
_PROBED_ROWS = 100


def read_csv(file: TextFile, reading: Reading) -> Iterator[Record]:
    """Reads a CSV file. Its delimiter is the one that gives the most rows of equal length."""

    def equal_rows(delimiter: str) -> int:
        lengths = Counter[int]()
        with suppress(UserError):  # of another delimiter, or to come again
            rows = islice(read_quoted(file, reading, delimiter), _PROBED_ROWS)
            lengths.update(len(row[1]) for row in rows if len(row[1]) > 1)
        return max(lengths.values(), default=0)

    yield from read_quoted(file, reading, max(_DELIMITERS, key=equal_rows))


def read_quoted(file: TextFile, reading: Reading, delimiter: str) -> Iterator[Record]:
    """Reads rows with quoted cells, which may hold delimiters and line ends.

    Yields:
        The number of the line in which a row begins, and its cells.

    Raises:
        UserError: a quoted cell does not end, or has a single quote within.
    """
    lines = (f"{line}\n" for line in file.lines(reading))
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    begin = 1
    try:
        for cells in rows:
            yield begin, cells
            begin = rows.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"Line {begin} of {file.name} has a cell with wrong quotes ({error}): close them, and "
            'write a quote within a quoted cell as "". In TSV in UTF-8 quotes are text.'
        ) from error


FORMAT = Format("CSV", (".csv",), read_csv, is_table=True)
