"""Two aligned files: line n of one is the translation of line n of the other, as Moses has it."""

from collections.abc import Iterator
from itertools import zip_longest

from pipeline.corpora.formats.records import LineCountError, Record
from pipeline.corpora.formats.text_file import Reading, TextFile


def read_aligned(source: TextFile, target: TextFile, reading: Reading) -> Iterator[Record]:
    """Reads two aligned files.

    Raises:
        LineCountError: the numbers of lines differ; raised after the last common line.
        UserError: a file cannot be read.
    """
    counts = [0, 0]
    for ours, theirs in zip_longest(source.lines(reading), target.lines(reading)):
        counts[0] += ours is not None
        counts[1] += theirs is not None
        if ours is not None and theirs is not None:
            yield counts[0], (ours, theirs)
    if counts[0] != counts[1]:
        raise LineCountError(
            f"{source.name} has {counts[0]} lines and {target.name} has {counts[1]}: "
            "give two files with the same number of lines, one the translation of the other."
        )
