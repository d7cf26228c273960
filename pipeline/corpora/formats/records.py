"""What a reader of a file format yields, and what the registry knows of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.corpora.formats.text_file import Reading, TextFile
from pipeline.errors import UserError

Record = tuple[int, Sequence[str]] | tuple[int, Sequence[str], str]
"""The number of a line, and its cells: source, target and features, or the columns of a table.

A third item is the reason why a format leaves the record out, or "".
"""


@dataclass(frozen=True)
class Format:
    """A file format with both sides of a pair in one file.

    Attributes:
        name: the name for people.
        suffixes: endings of file names, in small letters.
        read: reads a file to records. It raises UserError if the file is none of the format.
        is_table: whether records hold all columns of a table, to choose from.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[TextFile, Reading], Iterator[Record]]
    is_table: bool = False


class LineCountError(UserError):
    """Two aligned files have different numbers of lines."""
