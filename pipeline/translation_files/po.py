"""PO, the format of gettext: entries are read by translate-toolkit, and filled line by line."""

import gettext
import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

from translate.storage.poparser import PoParseError, PoParseState, parse_units
from translate.storage.pypo import PoWrapper, pofile, quoteforpo, splitlines, unquotefrompo

from pipeline.errors import UserError
from pipeline.translation_files.entries import (
    Document,
    Edit,
    Entry,
    Languages,
    State,
    decoded,
)
from text.protected import protected_parts

_PLURAL_FORMS = re.compile(r"nplurals\s*=\s*(\d+)\s*;\s*plural\s*=\s*([^;\n]+)")
_CHARSET = re.compile(rb"^\"Content-Type:[^\"\r\n]*charset=\s*([^\s\\\"]+)", re.MULTILINE)
_LANGUAGE = re.compile(r"^Language:[ \t]*(\S+)", re.MULTILINE)
_FORM = re.compile(r"msgstr(?:\[(\d+)\])?")
_WIDTH, _NO_WIDTH = 77, 1_000_000
_MANY = 100
"""A number whose form is that of large numbers in all languages with several forms."""
_MOST_COUNTED = 200


class _Lines:
    """The lines of a file with their places."""

    def __init__(self, text: str, newline: str) -> None:
        self.newline = newline
        self.lines = text.split(newline)
        lengths = (len(line) + len(newline) for line in self.lines)
        self.starts = [0, *accumulate(lengths)]

    def replace(self, first: int, end: int, lines: Sequence[str]) -> Edit:
        """Replaces the lines from `first` to before `end`, from 0."""
        new = "".join(line + self.newline for line in lines)
        if end == len(self.lines):  # the last line has no end
            return Edit(
                self.starts[first],
                self.starts[end] - len(self.newline),
                new.removesuffix(self.newline),
            )
        return Edit(self.starts[first], self.starts[end], new)


def read_po(name: str, data: bytes, languages: Languages) -> Document:
    """Reads a PO file; see `TranslationFormat.read`."""
    charset = _CHARSET.search(data)
    is_known = charset is not None and charset[1] != b"CHARSET"  # as in templates
    declared = charset[1].decode("latin-1") if charset and is_known else "utf-8"
    text, encoding = decoded(name, data, declared)
    store = pofile()
    raw_lines, newline = splitlines(data)
    store.units = []
    try:
        # Its `parse` stays with UTF-8 if the header, in ASCII, names another encoding (3.20.4).
        parse_units(PoParseState(raw_lines, store.create_unit, declared), store)
    except PoParseError as error:
        place = f"Line {error.parse_state.lineno} of {name}"
        raise UserError(f"{place} is no PO; mend it (`msgfmt -c` shows all errors).") from error
    except Exception as error:  # the toolkit raises AttributeError and others
        raise UserError(f"{name} is no PO file that nmt can read ({error}); mend it.") from error
    lines = _Lines(text, newline)
    units = list(store.units)
    ends = [*(unit._line_number - 1 for unit in units[1:]), len(lines.lines)]
    header = next((str(unit.target) for unit in units if unit.isheader()), "")
    entries = [
        _entry(unit, lines, end, _plural(header))
        for unit, end in zip(units, ends[: len(units)], strict=True)
        if not unit.isheader() and not unit.isblank()
    ]
    language = _LANGUAGE.search(header)
    code = language[1] if language else None
    return Document(name, text, encoding, entries, languages=(None, code))


_Plural = tuple[int, Callable[[int], int]]
"""The number of plural forms, 0 if the header has none, and the form of a number."""


def _plural(header: str) -> _Plural:
    found = _PLURAL_FORMS.search(header)
    if found:
        try:
            count, form = int(found[1]), gettext.c2py(found[2])  # type: ignore[attr-defined]
            if 0 < count <= _MANY and all(form(number) < count for number in range(_MOST_COUNTED)):
                return count, form
        except (ValueError, ZeroDivisionError, RecursionError):
            pass
    return 0, lambda number: int(number != 1)


def _entry(unit: Any, lines: _Lines, end: int, plural: _Plural) -> Entry:
    first = unit._line_number - 1
    if unit.hasplural():
        sources = tuple(map(str, unit.source.strings))
        msgstr = unit.msgstr if isinstance(unit.msgstr, dict) else {0: unit.msgstr}
        forms = {index: unquotefrompo(msgstr[index]) for index in sorted(msgstr)}
        count, form = plural[0] or max(2, len(forms)), plural[1]
        one, many = (min(form(number), count - 1) for number in (1, _MANY))
        targets = tuple(forms.get(index, "") for index in (one, many))
        if count == 1:
            sources, targets = sources[1:], targets[1:]
    else:
        sources, targets, count, form = (str(unit.source),), (str(unit.target),), 0, plural[1]
        forms = {0: targets[0]}
    state: State = "translated"
    if unit.isobsolete():
        state = "obsolete"
    elif unit.isfuzzy() and any(forms.values()):
        state = "fuzzy"
    elif not all(forms.get(index) for index in range(count or 1)):
        state = "untranslated"
    kept = {} if state == "fuzzy" else {index: text for index, text in forms.items() if text}
    places = _places(lines.lines, first, end)
    fill = None
    if state in ("untranslated", "fuzzy") and places:
        fill = partial(_fill, lines, first, end, places, sources, kept, (count, form))
    return Entry(unit._line_number, sources, state, targets, unit.getcontext(), fill)


def _places(lines: Sequence[str], first: int, end: int) -> dict[int, tuple[int, int]]:
    """Returns the lines of each `msgstr` of an entry: the first, and that after the last."""
    places: dict[int, tuple[int, int]] = {}
    for index in range(first, end):
        if found := _FORM.match(lines[index]):
            after = index + 1
            while after < end and lines[after].lstrip().startswith('"'):
                after += 1
            places[int(found[1] or 0)] = (index, after)
    return places


def _fill(
    lines: _Lines,
    first: int,
    end: int,
    places: dict[int, tuple[int, int]],
    sources: tuple[str, ...],
    kept: dict[int, str],
    plural: _Plural,
    texts: Sequence[str],
) -> list[Edit]:
    """Returns the edits that write the forms that are empty, and the mark `fuzzy`."""
    own = lines.lines[first:end]
    width = _NO_WIDTH if any(len(line) > _WIDTH + 3 for line in own if line[:1] != "#") else _WIDTH
    count, form = plural
    new = []
    for index in range(count or 1):
        if index in kept:
            new += lines.lines[slice(*places[index])]
            continue
        keyword = f"msgstr[{index}] " if count else "msgstr "
        quoted = quoteforpo(_text_of(index, form, sources, texts), PoWrapper(width))
        new += [f"{keyword}{quoted[0] if quoted else chr(34) * 2}", *quoted[1:]]
    begin, after = min(place[0] for place in places.values()), max(p[1] for p in places.values())
    return [*_fuzzy_mark(lines, first, end), lines.replace(begin, after, new)]


def _text_of(
    index: int, form: Callable[[int], int], sources: Sequence[str], texts: Sequence[str]
) -> str:
    """Returns the translation for a plural form.

    The form of 1 gets that of the singular, unless the form is for other numbers, too, as 21 in
    Russian, and the singular does not name the number.
    """
    if len(texts) == 1 or index != form(1):
        return texts[-1]
    is_for_others = any(form(number) == index for number in range(2, _MOST_COUNTED))
    names_number = len(protected_parts(sources[0])) >= len(protected_parts(sources[1]))
    return texts[1] if is_for_others and not names_number else texts[0]


def _fuzzy_mark(lines: _Lines, first: int, end: int) -> list[Edit]:
    for index in range(first, end):
        line = lines.lines[index]
        if line.startswith("#,"):
            is_there = "fuzzy" in line[2:].replace(",", " ").split()
            marked = f"#, fuzzy,{line[2:]}"
            return [] if is_there else [lines.replace(index, index + 1, [marked])]
        if line.startswith(("#|", "msgctxt", "msgid")):
            return [lines.replace(index, index, ["#, fuzzy"])]
    return []
