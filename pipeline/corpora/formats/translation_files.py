"""The files of translators' tools: PO, XLIFF and the like, and pairs of files in one language."""

import re
from collections.abc import Iterator, Sequence
from functools import partial

from pipeline.corpora.formats.records import Format, Record
from pipeline.corpora.formats.text_file import Reading, TextFile
from pipeline.errors import UserError
from pipeline.translation_files import tables
from pipeline.translation_files.entries import Document, Entry, TranslationFormat, base_language
from pipeline.translation_files.registry import FORMATS as ALL
from text.languages import usual_tag

_OTHER_LANGUAGE, _NO_PARTNER = "in another language", "without a partner"
_OTHER_STRUCTURE = "in a file of another structure than its partner"
_LINE_ENDS = re.compile(r"\s*[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+\s*")
_LONGEST_FEATURE = 64
_CODE = re.compile(r"[a-z]{2}(?:[-_@][A-Za-z]+)?")


def read_entries(form: TranslationFormat, file: TextFile, reading: Reading) -> Iterator[Record]:
    """Reads the entries of a file with both languages.

    Args:
        form: its format.
        file: the file.
        reading: its features may be `file` and `context`.

    Raises:
        UserError: the file cannot be read, is none of the format, or lacks a feature.
    """
    other = _other_language_of_name(file.name, reading)
    try:
        document = _document(form, file, reading)
    except UserError:
        if not other:
            raise
    else:
        if document.languages[1] is not None:
            other = document.other_language(reading.languages)
    if other:
        yield 1, [other], _OTHER_LANGUAGE
        return
    for entry in document.entries:
        reason = "" if entry.state == "translated" else entry.state
        yield from _records(file, entry, entry.targets, reason, reading)


def read_partners(
    form: TranslationFormat, source: TextFile, target: TextFile, reading: Reading
) -> Iterator[Record]:
    """Reads two files in one language each, by their keys or else by the places of the texts.

    Raises:
        UserError: a file cannot be read, is none of the format, or lacks a feature.
    """
    ours = _document(form, source, reading).entries
    theirs = _document(form, target, reading).entries
    by_key: dict[object, Entry] = {}
    reason = ""
    if form.has_keys:
        for entry in theirs:
            by_key.setdefault((entry.context, len(entry.sources)), entry)
    elif [entry.context for entry in ours] == [entry.context for entry in theirs]:
        by_key = dict(enumerate(theirs))
    else:
        reason = _OTHER_STRUCTURE
    for number, entry in enumerate(ours):
        key = (entry.context, len(entry.sources)) if form.has_keys else number
        partner = by_key.get(key)
        why = reason or ("" if partner else _NO_PARTNER)
        if entry.state == "not for translation":
            why = entry.state
        yield from _records(source, entry, partner.sources if partner else (), why, reading)


def _document(form: TranslationFormat, file: TextFile, reading: Reading) -> Document:
    with file.unpacked() as stream:
        return form.read(file.name, stream.read(), reading.languages)


def _records(
    file: TextFile, entry: Entry, targets: Sequence[str], reason: str, reading: Reading
) -> Iterator[Record]:
    """Yields a pair for each form of an entry, or the reason against all of it."""
    values = {"file": file.name.rsplit("/", 2)[-2:], "context": [entry.context]}
    try:
        features = [_label("/".join(values[name])) for name in reading.features]
    except KeyError as error:
        raise UserError(
            f"{file.short_name} has no feature {error}, but file and context; a column of your own "
            "needs a table, such as TSV."
        ) from error
    if reason:
        yield entry.line, [_one_line(entry.sources[0])], reason
        return
    for source, target in dict.fromkeys(zip(entry.sources, targets, strict=True)):
        yield entry.line, [_one_line(source), _one_line(target), *features], ""


def _one_line(text: str) -> str:
    return _LINE_ENDS.sub(" ", text).strip()


def _label(text: str) -> str:
    """Returns a text as a value of a feature: short, and of characters that are seen."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(shown.split())[-_LONGEST_FEATURE:].strip()


def _other_language_of_name(name: str, reading: Reading) -> str:
    """Returns the language in the name of a file, as in `fr.po`, if it is another; else nothing."""
    *folders, last = name.split("/")
    places = [last.partition(".")[0], *(folders[-2:-1] if folders[-1:] == ["LC_MESSAGES"] else [])]
    codes = [place for place in places if _CODE.fullmatch(place)]
    wanted = {base_language(language) for language in reading.languages}
    return next((code for code in codes if base_language(code) not in wanted), "")


def partner_format(name: str) -> TranslationFormat | None:
    """Returns the format of a file in one language; None for other files."""
    return next((form for form in PARTNERS if name.lower().endswith(form.suffixes)), None)


def partners(names: Sequence[str], languages: tuple[str, str]) -> list[tuple[str, str]]:
    """Returns pairs of names of files in one language that differ in the language only.

    As `en.json` and `de.json`, `values/strings.xml` and `values-de/strings.xml`, `README.md` and
    `README.de.md`, `en/a.html` and `de/a.html`.

    Args:
        names: paths of files, of formats for which `partner_format` answers.
        languages: the codes of source and target.
    """
    source, target = (_pattern(language) for language in languages)
    sources = {name: name for name in names}
    for name in names:
        for code in source.finditer(name):
            sources.setdefault(_without(name, code, "\0"), name)
    found = []
    for name in names:
        keys = [_without(name, code, mark) for mark in ("\0", "") for code in target.finditer(name)]
        partner = next((sources[key] for key in keys if sources.get(key, name) != name), None)
        if partner:
            found.append((partner, name))
    return found


def _pattern(language: str) -> re.Pattern[str]:
    """Returns a pattern of a code in a path, such as `pt-BR`, `pt_BR`, `pt-rBR` or `pt`."""
    tag = usual_tag(language)
    codes = [re.escape(tag).replace(r"\-", "[-_]r?"), re.escape(base_language(tag))]
    return re.compile(rf"(^|[/._-])(?:{'|'.join(codes)})(?=[/._-])", re.IGNORECASE)


def _without(name: str, code: re.Match[str], mark: str) -> str:
    """Returns a path with a mark in place of a code, or without the code and what is before it."""
    if mark:
        return name[: code.start()] + code[1] + mark + name[code.end() :]
    before, after = name[: code.start()], name[code.end() :]
    return before + after if before or not after.startswith("/") else after[1:]


PARTNERS = tuple(form for form in ALL if not form.is_bilingual)
"""The formats with one language a file."""
FORMATS = tuple(
    Format(form.name, form.suffixes, partial(read_entries, form))
    for form in ALL
    if form.is_bilingual and form is not tables.FORMAT  # a table has any columns
)
