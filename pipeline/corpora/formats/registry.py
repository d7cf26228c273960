"""The file formats of parallel text. A new one is a new file, and its name here."""

from pipeline.corpora.formats import csv, translation_files, tsv
from pipeline.corpora.formats.records import Format

FORMATS: tuple[Format, ...] = (tsv.FORMAT, csv.FORMAT, *translation_files.FORMATS)


def format_of(name: str) -> Format | None:
    """Returns the format of a file by the ending of its name, without that of a compression."""
    return next((each for each in FORMATS if name.lower().endswith(each.suffixes)), None)
