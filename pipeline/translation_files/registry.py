"""The formats of translators' tools. A new one is a new file, and its name here.

translate-toolkit, of the extra `files`, is imported only when a file of its formats is read.
"""

import importlib
from functools import partial

from pipeline.errors import UserError
from pipeline.translation_files import (
    html_pages,
    json_messages,
    markdown,
    subtitles,
    tables,
)
from pipeline.translation_files.entries import Document, Languages, TranslationFormat


def _read(module: str, name: str, data: bytes, languages: Languages) -> Document:
    """Reads a file with `read_MODULE` of a module that needs translate-toolkit."""
    try:
        found = importlib.import_module(f"pipeline.translation_files.{module}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("translate", "lxml"):
            raise
        raise UserError(
            f"{name} is read by translate-toolkit, which is not installed: install attention-nmt "
            "with the extra 'files', or `pip install translate-toolkit`."
        ) from error
    document: Document = getattr(found, f"read_{module}")(name, data, languages)
    return document


LINES = "lines"
"""The choice of a file as lines of text."""
FORMATS: tuple[TranslationFormat, ...] = (
    TranslationFormat("PO", (".po", ".pot"), partial(_read, "po"), is_bilingual=True),
    TranslationFormat("XLIFF", (".xlf", ".xliff"), partial(_read, "xliff"), is_bilingual=True),
    TranslationFormat("TMX", (".tmx",), partial(_read, "tmx"), is_bilingual=True),
    TranslationFormat("Qt TS", (".ts",), partial(_read, "ts"), is_bilingual=True),
    tables.FORMAT,
    TranslationFormat("Android XML", (".xml",), partial(_read, "android"), is_bilingual=False),
    json_messages.FORMAT,
    subtitles.FORMAT,
    html_pages.FORMAT,
    markdown.FORMAT,
)


_OTHERS = (
    *(".docx", ".doc", ".odt", ".rtf", ".pptx", ".odp", ".xlsx", ".xls", ".ods", ".pdf", ".epub"),
    *(".properties", ".yaml", ".yml", ".strings", ".stringsdict", ".resx", ".ftl", ".ini", ".php"),
    *(".mo", ".qm", ".sdlxliff", ".mqxliff", ".mxliff", ".idml", ".tbx", ".vtt", ".ass", ".sub"),
)
"""Endings of formats of texts that are not lines of sentences."""


def format_of(name: str) -> TranslationFormat | None:
    """Returns the format of a file by the ending of its name."""
    return next((each for each in FORMATS if name.lower().endswith(each.suffixes)), None)


def chosen_format(name: str, ending: str | None) -> TranslationFormat | None:
    """Returns the format of a file to fill; None for lines of text.

    Args:
        name: its name.
        ending: the user's choice, such as `po`, or `lines`; None for that of the name.

    Raises:
        UserError: there is no such format, or the file is of a format that is not supported.
    """
    known = ", ".join(each.suffixes[0][1:] for each in FORMATS)
    if ending is not None and ending.lower() != LINES:
        form = format_of(f".{ending.removeprefix('.')}")
        if form is None:
            raise UserError(f"There is no format {ending!r}; give one of {known} or {LINES}.")
        return form
    if ending is None and name.lower().endswith(_OTHERS):
        raise UserError(
            f"{name} is in a format that nmt cannot fill; it fills {known}. Convert it to XLIFF or "
            "PO with your translation tool or the converters of translate-toolkit, or take it as "
            f"lines of text with --format {LINES}."
        )
    return None if ending else format_of(name)
