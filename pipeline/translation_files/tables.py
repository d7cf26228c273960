"""CSV with a column of source and one of translations."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from pipeline.errors import UserError
from pipeline.translation_files.entries import (
    Document,
    Edit,
    Entry,
    Languages,
    State,
    TranslationFormat,
    decoded,
)
from text.languages import usual_tag

_SOURCE, _TARGET = {"source", "src", "original"}, {"target", "tgt", "trg", "translation"}
_FUZZY, _CONTEXT = "fuzzy", ("context", "id", "key", "location")
_TRUE = {"true", "1", "yes", "x", "fuzzy"}
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Cell:
    """A cell and its place, with its quotes."""

    text: str
    start: int
    end: int


def read_table(name: str, data: bytes, languages: Languages) -> Document:
    """Reads a CSV file; see `TranslationFormat.read`.

    The first line is a header if it names a source and a target. Otherwise the first column is the
    source and the second one its translation. A column `fuzzy` marks what a person must read.
    """
    text, encoding = decoded(name, data)
    delimiter = _delimiter(text)
    rows = _rows(name, text, delimiter)
    header = [cell.text.strip().removeprefix("\ufeff").lower() for cell in rows[0][1]] if (
        rows
    ) else []  # fmt: skip
    source = _column(header, _SOURCE, languages[0])
    target = _column(header, _TARGET, languages[1])
    has_header = source is not None and target is not None
    if source is None or target is None:
        source, target = 0, 1
        if any(len(cells) != len(rows[0][1]) or len(cells) < 2 for _, cells in rows if cells):
            raise UserError(
                f"{name} has no header with a source and a target, and not two columns in each "
                "line: name its columns in the first line, such as source,target."
            )
    marks = header.index(_FUZZY) if has_header and _FUZZY in header else None
    context = next((header.index(each) for each in _CONTEXT if has_header and each in header), None)
    entries = []
    for line, cells in rows[1 if has_header else 0 :]:
        if len(cells) <= max(source, target):
            continue
        mark = cells[marks] if marks is not None and marks < len(cells) else None
        state: State = "untranslated"
        if cells[target].text.strip():
            state = "fuzzy" if mark and mark.text.strip().lower() in _TRUE else "translated"
        fill = partial(_fill, text, cells[target], mark, delimiter)
        sources, targets = (cells[source].text,), (cells[target].text,)
        label = cells[context].text if context is not None and context < len(cells) else ""
        entries.append(Entry(line, sources, state, targets, label, fill))
    return Document(name, text, encoding, entries)


def _column(header: Sequence[str], names: set[str], language: str | None) -> int | None:
    wanted = names | ({usual_tag(language).lower()} if language else set())
    return next((place for place, cell in enumerate(header) if cell in wanted), None)


def _fill(
    text: str, cell: Cell, mark: Cell | None, delimiter: str, texts: Sequence[str]
) -> list[Edit]:
    edits = [Edit(cell.start, cell.end, _quoted(texts[0], text[cell.start : cell.end], delimiter))]
    if mark:
        edits.append(Edit(mark.start, mark.end, _quoted("True", text[mark.start : mark.end], "")))
    return edits


def _quoted(text: str, before: str, delimiter: str) -> str:
    """Returns the text of a cell, in quotes if it needs them or had them before."""
    needs = before.startswith('"') or any(sign in text for sign in (delimiter or ",", '"', "\n"))
    return '"' + text.replace('"', '""') + '"' if needs else text


def _delimiter(text: str) -> str:
    """Returns the delimiter that gives the most lines of the same number of cells."""

    def equal_lines(delimiter: str) -> int:
        counts = Counter(line.count(delimiter) for line in text.splitlines()[:100])
        counts.pop(0, None)
        return max(counts.values(), default=0)

    return max(_DELIMITERS, key=equal_lines)


def _rows(name: str, text: str, delimiter: str) -> list[tuple[int, list[Cell]]]:
    """Returns the cells of each row, with the number of its first line."""
    other = re.escape(delimiter)
    cell = re.compile(rf'(?:"((?:[^"]|"")*)"|((?!")[^{other}\r\n]*))({other}|\r?\n|\r|\Z)')
    rows: list[tuple[int, list[Cell]]] = []
    cells: list[Cell] = []
    place, line, first = 1 if text.startswith("\ufeff") else 0, 1, 1
    while place < len(text) or cells:
        found = cell.match(text, place)
        if not found:
            raise UserError(
                f"Line {line} of {name} has a cell with wrong quotes: close them, and write a "
                'quote within a quoted cell as "".'
            )
        inside = found[2] if found[1] is None else found[1].replace('""', '"')
        cells.append(Cell(inside, place, found.start(3)))
        line += found[0].count("\n")
        place = found.end()
        if found[3] != delimiter:
            if len(cells) > 1 or cells[0].text:
                rows.append((first, cells))
            cells, first = [], line
    return rows


FORMAT = TranslationFormat("CSV", (".csv",), read_table, is_bilingual=True)
