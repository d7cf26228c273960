"""TSV: one pair a line, with tabs between the columns and no quotes, as corpora have it."""

from collections.abc import Iterator

from pipeline.corpora.formats.csv import read_quoted
from pipeline.corpora.formats.records import Format, Record
from pipeline.corpora.formats.text_file import Reading, TextFile


def read_tsv(file: TextFile, reading: Reading) -> Iterator[Record]:
    """Reads a TSV file; one in UTF-16 comes from a spreadsheet, which quotes cells."""
    if file.is_utf16:
        yield from read_quoted(file, reading, "\t")
        return
    for number, line in enumerate(file.lines(reading), start=1):
        yield number, line.split("\t")


FORMAT = Format("TSV", (".tsv", ".tab"), read_tsv, is_table=True)
