"""Chooses the columns of a table with source, target and features."""

from collections import Counter
from collections.abc import Iterator, Sequence

from pipeline.corpora.formats.finding import ParallelText
from pipeline.corpora.formats.text_file import Reading
from pipeline.errors import UserError

HEADER = "header"
WRONG_COLUMNS = "wrong number of columns"
_HEADINGS_BY_SIDE = (("source", "src", "original"), ("target", "tgt", "trg", "translation"))
_HEADINGS = set().union(*_HEADINGS_BY_SIDE)
_SHOWN_CHARACTERS, _SHOWN_CELLS = 30, 9

ChosenRecord = tuple[int, Sequence[str], str]
"""A line's number, its source, target and features, and the reason against it, or nothing."""


def chosen_columns(text: ParallelText, reading: Reading) -> Iterator[ChosenRecord]:
    """Yields the records of a text, with the columns of `reading` only.

    A record with a reason against it holds all cells. The first line of a table is a header if it
    has the names of `reading`, or names such as `source` and `target`, or the languages' codes.

    Raises:
        UserError: there is no such column, or most lines have more columns and none are chosen.
    """
    wanted = 2 + len(reading.features)
    if reading.columns and len(reading.columns) != wanted:
        raise UserError(
            f"--columns names {len(reading.columns)} columns, but {wanted} are needed: source, "
            f"target{''.join(f', {feature}' for feature in reading.features)}."
        )
    if not text.is_table:
        for line, cells, *reason in text.read(reading):
            yield line, cells, reason[0] if reason else _complaint(cells, wanted)
        return
    places: list[int] | None = None
    widths = Counter[int]()
    examples: dict[int, Sequence[str]] = {}
    for index, (line, cells, *_) in enumerate(text.read(reading)):
        if index == 0:
            names = [cell.strip() for cell in cells]
            places = _places(text.name, names, reading.columns) or _headed(names, reading)
            is_named = any(not column.isdecimal() for column in reading.columns)
            if is_named or _is_header(names, places or [0, 1], reading):
                yield line, cells, HEADER
                continue
        widths[len(cells)] += 1
        examples.setdefault(len(cells), cells)
        if places is None:
            yield line, cells, _complaint(cells, wanted)
        elif max(places) < len(cells):
            yield line, [cells[place] for place in places], ""
        else:
            yield line, cells, WRONG_COLUMNS
    if places and widths and max(places) >= max(widths):
        raise UserError(_missing(text.name, str(max(places) + 1), next(iter(examples.values()))))
    usual = max(widths, key=lambda width: widths[width], default=wanted)
    if places is None and usual > wanted:
        raise UserError(_too_many(text.name, usual, examples[usual], wanted))


def _complaint(cells: Sequence[str], wanted: int) -> str:
    return "" if len(cells) == wanted else WRONG_COLUMNS


def _headed(names: Sequence[str], reading: Reading) -> list[int] | None:
    """Returns the places of source and target in a header of further columns; None without one."""
    folded = [name.lower() for name in names]
    places = [
        next((place for place, name in enumerate(folded) if name in (*headings, language)), -1)
        for headings, language in zip(_HEADINGS_BY_SIDE, reading.languages, strict=True)
    ]
    return None if reading.features or len(names) == 2 or -1 in places else places


def _places(name: str, names: Sequence[str], columns: Sequence[str]) -> list[int] | None:
    """Returns the places of the columns, from 0; None for all."""
    folded = [each.casefold() for each in names]
    places = []
    for column in columns:
        if column.isdecimal() and int(column) > 0:
            places.append(int(column) - 1)
        elif column.casefold() in folded:
            places.append(folded.index(column.casefold()))
        else:
            raise UserError(_missing(name, column, names))
    return places or None


def _missing(name: str, column: str, cells: Sequence[str]) -> str:
    return (
        f"{name} has no column {column!r}; its first line is {_numbered(cells)}. Give names from "
        "this line, or numbers from 1 on."
    )


def _is_header(names: Sequence[str], places: Sequence[int], reading: Reading) -> bool:
    headings = _HEADINGS | {language.lower() for language in reading.languages}
    return max(places) < len(names) and all(
        names[place].lower() in headings for place in places[:2]
    )


def _too_many(name: str, width: int, cells: Sequence[str], wanted: int) -> str:
    numbers = ",".join(map(str, range(1, wanted + 1)))
    return (
        f"{name} has {width} columns, such as {_numbered(cells)}, and {wanted} are needed: choose "
        f"source and target with --columns, such as --columns {numbers}."
    )


def _numbered(cells: Sequence[str]) -> str:
    shown = (
        cell if len(cell) <= _SHOWN_CHARACTERS else f"{cell[:_SHOWN_CHARACTERS]}..."
        for cell in cells[:_SHOWN_CELLS]
    )
    listed = ", ".join(f"({number}) {cell}" for number, cell in enumerate(shown, start=1))
    return listed + (", ..." if len(cells) > _SHOWN_CELLS else "")
