"""The formats of translators' tools. A new one is a new file, and its name here."""

from pipeline.errors import UserError
from pipeline.translation_files import (
    android,
    html_pages,
    json_messages,
    markdown,
    po,
    subtitles,
    tables,
    tmx,
    ts,
    xliff,
)
from pipeline.translation_files.entries import TranslationFormat

LINES = "lines"
"""The choice of a file as lines of text."""
FORMATS: tuple[TranslationFormat, ...] = (
    po.FORMAT,
    xliff.FORMAT,
    tmx.FORMAT,
    ts.FORMAT,
    tables.FORMAT,
    android.FORMAT,
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
