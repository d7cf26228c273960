"""Markdown: one language a file; headings, paragraphs, items of lists and cells of tables."""

import re
from collections.abc import Iterator, Sequence
from functools import partial

from pipeline.translation_files.entries import (
    Document,
    Edit,
    Entry,
    Languages,
    TranslationFormat,
    decoded,
)
from pipeline.translation_files.markup import Marked

_FRONT_MATTER = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\r?\n.*?^\1[ \t]*\r?$\n?", re.S | re.M)
_FENCE = re.compile(r"(`{3,}|~{3,})")
_PREFIX = re.compile(
    r"(?:[ ]{0,3}>[ ]?)*[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?)?"
)
_HEADING = re.compile(r"#{1,6}[ \t]+")
_HEADING_END = re.compile(r"[ \t]+(?:#+|\{[^{}]*\})[ \t]*$|[ \t]+$")
_INDENTED = re.compile(r" {4}|[ ]{0,3}\t")
_CELLS = re.compile(r"(?:[^|\\`]|\\.|`[^`]*`)+")
_RULE = re.compile(r"[ \t]*(?:\|?[ \t]*:?-+:?[ \t]*(?:\||$))+[ \t]*$|[ \t]*(?:[-*_=][ \t]*){2,}$")
_DEFINITION = re.compile(r"[ ]{0,3}\[[^\]]+\]:")
_HTML = re.compile(r"[ ]{0,3}</?[A-Za-z!][^>]*>?[ \t]*$|[ ]{0,3}<!--")
_SPAN = re.compile(
    r"(?P<whole>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)"  # code
    r"|!\[[^\]]*\](?:\([^()\s]*(?:\([^()]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)|\[[^\]]*\])"  # a picture
    r"|<[A-Za-z/!][^<>]*>|\[\^[^\]]+\])"  # a tag, an address, a footnote
    r"|(?P<open>\[)(?=[^\]]+\][(\[])"
    r"|(?P<close>\](?:\((?:[^()\s]|\([^()]*\))*(?:\s+\"[^\"]*\")?\)|\[[^\]]*\]))"
    r"|(?P<escape>\\[!-/:-@\[-`{-~])",
    re.DOTALL,
)


def read_markdown(name: str, data: bytes, languages: Languages) -> Document:
    """Reads a Markdown file; see `TranslationFormat.read`.

    Code, front matter, HTML between paragraphs and definitions of links are left out.
    """
    text, encoding = decoded(name, data)
    entries = []
    for kind, line, start, end in _blocks(text):
        marked = _marked(text[start:end])
        if any(character.isalpha() for character in re.sub(r"<[^<>]*>", "", marked.text)):
            fill = partial(_fill, start, end, marked)
            entries.append(Entry(line, (marked.text,), "untranslated", (), kind, fill))
    return Document(name, text, encoding, entries)


_Block = tuple[str, int, int, int]
"""The kind, the number of the first line, and the place."""


def _blocks(text: str) -> Iterator[_Block]:
    front = _FRONT_MATTER.match(text)
    place = front.end() if front else (1 if text.startswith("\ufeff") else 0)
    number = text.count("\n", 0, place)
    fence = ""
    block: _Block | None = None
    """The one that the next line may belong to."""
    for line in text[place:].splitlines(keepends=True):
        number += 1
        start, content = place, line.rstrip("\r\n")
        place += len(line)
        prefix = _PREFIX.match(content)
        begin = start + (prefix.end() if prefix else 0)
        rest, end = text[begin : start + len(content)], start + len(content.rstrip())
        is_item = bool(prefix and prefix[0].strip(" \t>"))
        marker = _FENCE.match(rest)
        if not (fence or marker or _ends_block(content, rest, is_item, block)):
            if block and not is_item:
                block = (*block[:3], end)
            else:
                if block:
                    yield block
                block = ("item" if is_item else "paragraph", number, begin, end)
            if not content.endswith("  "):  # no line break
                continue
        if block:
            yield block
            block = None
        if fence or marker:
            fence = _fence_after(fence, marker, rest)
        elif heading := _HEADING.match(rest):
            close = _HEADING_END.search(rest, heading.end())
            yield "heading", number, begin + heading.end(), begin + close.start() if close else end
        elif rest.startswith("|") and not _RULE.match(content):
            for cell in _CELLS.finditer(rest):
                if inner := cell[0].strip():
                    cell_start = begin + cell.start() + cell[0].index(inner)
                    yield "cell", number, cell_start, cell_start + len(inner)
    if block:
        yield block


def _ends_block(content: str, rest: str, is_item: bool, block: _Block | None) -> bool:
    """Whether a line is neither text of a paragraph nor of an item."""
    is_code = not block and not is_item and _INDENTED.match(content)
    return bool(
        is_code
        or not rest.strip()
        or rest.startswith("|")
        or _HEADING.match(rest)
        or any(pattern.match(content) for pattern in (_RULE, _DEFINITION, _HTML))
    )


def _fence_after(fence: str, marker: re.Match[str] | None, rest: str) -> str:
    """Returns the fence of the code that the next line is in, or nothing."""
    if not fence:
        return marker[1] if marker else ""
    closes = marker and marker[1].startswith(fence) and not rest[marker.end() :].strip()
    return "" if closes else fence


def _marked(raw: str) -> Marked:
    """Reads a block as one line; links are tags, and code and the like are one piece each."""
    lines = raw.splitlines() or [""]
    joined = " ".join([lines[0], *(re.sub(r"^[\s>]*", "", line) for line in lines[1:])])
    parts: list[str] = []
    pieces: list[tuple[str, str]] = []
    opened: list[int] = []
    place = 0
    for number, span in enumerate(_SPAN.finditer(joined), start=1):
        parts.append(joined[place : span.start()])
        place = span.end()
        if span["escape"]:
            stand_in = span[0]
            parts.append(stand_in)
            continue
        if span["open"]:
            opened.append(number)
            stand_in = f"<a{number}>"
        elif span["close"]:
            if not opened:
                parts.append(span[0])
                continue
            stand_in = f"</a{opened.pop()}>"
        else:
            stand_in = f"<x{number}/>"
        parts.append(stand_in)
        pieces.append((stand_in, span[0]))
    parts.append(joined[place:])
    return Marked("".join(parts), tuple(pieces))


def _fill(start: int, end: int, marked: Marked, texts: Sequence[str]) -> list[Edit]:
    # A line break in the wrong place could begin a list, so a paragraph becomes one line.
    return [Edit(start, end, marked.raw(texts[0], str))]


FORMAT = TranslationFormat(
    "Markdown", (".md", ".markdown"), read_markdown, is_bilingual=False, has_keys=False
)
