"""Keeps the rows of a large corpus in little memory."""

from collections.abc import Iterable, Sequence
from typing import overload

from pipeline.corpora.text import Row


class PackedRows(Sequence[Row]):
    """Rows as lines of a TSV shard in UTF-8: a third of the memory of tuples of strings.

    Args:
        lines: the lines, without line ends.
    """

    def __init__(self, lines: Iterable[bytes] = ()) -> None:
        self.lines = list(lines)

    def append(self, row: Row) -> None:
        """Adds a row; its cells hold neither tabs nor line feeds."""
        self.lines.append("\t".join(row).encode("utf-8"))

    def take(self, indices: Iterable[int]) -> "PackedRows":
        """Returns the rows at some indices; both objects share their memory."""
        return PackedRows(self.lines[index] for index in indices)

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> "PackedRows": ...
    def __getitem__(self, index: int | slice) -> "Row | PackedRows":
        if isinstance(index, slice):
            return PackedRows(self.lines[index])
        source, target, *features = self.lines[index].decode("utf-8").split("\t")
        return (source, target, *features)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # rows are added

    def __repr__(self) -> str:
        return f"PackedRows({list(self)!r})"
