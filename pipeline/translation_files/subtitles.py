"""SRT, subtitles: one language a file, and the times as keys."""

import re
from collections.abc import Sequence
from functools import partial

from pipeline.errors import UserError
from pipeline.translation_files.entries import (
    Document,
    Edit,
    Entry,
    Languages,
    Lines,
    TranslationFormat,
    decoded,
)

_TIME = r"\d{1,3}:\d\d:\d\d[,.]\d{1,3}"
_CUE = re.compile(
    rf"^(?P<start>{_TIME})[ \t]*-->[ \t]*{_TIME}[^\r\n]*\r?\n"
    r"(?P<text>(?:[^\r\n]*[^\s][^\r\n]*(?:\r?\n|\Z))+)",
    re.MULTILINE,
)
_MOST_ROWS = 4
_SPEAKER = re.compile(r"\s*[-–—]")


def read_srt(name: str, data: bytes, languages: Languages) -> Document:
    """Reads a file of subtitles; see `TranslationFormat.read`."""
    text, encoding = decoded(name, data)
    lines = Lines(text)
    entries = []
    for cue in _CUE.finditer(text):
        written = cue["text"].rstrip("\r\n")
        rows = written.splitlines()
        # A row for each speaker stays a row; others are the parts of a sentence.
        is_dialogue = len(rows) > 1 and all(map(_SPEAKER.match, rows))
        sources = tuple(map(str.strip, rows)) if is_dialogue else (" ".join(map(str.strip, rows)),)
        newline = "\r\n" if "\r\n" in cue["text"] else "\n"
        start = cue.start("text")
        fill = partial(_fill, start, start + len(written), len(rows), newline)
        key = cue["start"].replace(".", ",")
        entries.append(Entry(lines.number(start), sources, "untranslated", (), key, fill))
    if text.strip() and not entries:
        raise UserError(f"{name} is no SRT: it has no line such as 00:00:01,000 --> 00:00:02,500.")
    return Document(name, text, encoding, entries)


def _fill(start: int, end: int, rows: int, newline: str, texts: Sequence[str]) -> list[Edit]:
    new = list(texts) if len(texts) > 1 else broken(texts[0], min(rows, _MOST_ROWS))
    return [Edit(start, end, newline.join(new))]


def broken(text: str, rows: int) -> list[str]:
    """Breaks a text at spaces into rows of about the same length."""
    broken = []
    for left in range(rows, 1, -1):
        middle = len(text) // left
        spaces = [found.start() for found in re.finditer(" ", text)]
        if not spaces:
            break
        place = min(spaces, key=lambda space: abs(space - middle))
        broken.append(text[:place])
        text = text[place + 1 :]
    return [*broken, text]


FORMAT = TranslationFormat("SRT", (".srt",), read_srt, is_bilingual=False)
