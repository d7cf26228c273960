"""HTML: one language a page; blocks of text with the tags in them, wherever they are."""

import html
import re
from collections.abc import Iterator, Sequence
from functools import partial

from pipeline.translation_files.entries import (
    Document,
    Edit,
    Entry,
    Languages,
    Lines,
    TranslationFormat,
    base_language,
    decoded,
)
from pipeline.translation_files.markup import Marked, read_markup

_CHARSET = re.compile(rb"<meta\b[^>]*?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_PROBED_BYTES = 2000
_ATTRIBUTES = r"(?:[^<>\"']|\"[^\"]*\"|'[^']*')*"
_MARKUP = re.compile(
    rf"<!--.*?(?:-->|\Z)|<[!?][^>]*>|<(/?)([A-Za-z][\w:-]*)({_ATTRIBUTES})>", re.DOTALL
)
_INLINE = re.compile(
    "a|abbr|acronym|b|bdi|bdo|big|br|cite|code|data|del|dfn|em|font|i|img|ins|kbd|mark|q|s|samp"
    "|small|span|strike|strong|sub|sup|time|tt|u|var|wbr"
)
"""Elements within a sentence; all others end it."""
_VOID = frozenset(["br", "img", "wbr"])
_SKIPPED = re.compile("code|kbd|math|noscript|pre|samp|script|style|svg|textarea|var")
_SHOWN = re.compile(r"\s(?:alt|title|placeholder|aria-label)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_LANGUAGE = re.compile(r"\slang\s*=\s*[\"']?([A-Za-z-]+)")
_NO_TRANSLATION = re.compile(r"\stranslate\s*=\s*[\"']?no\b", re.IGNORECASE)


def read_html(name: str, data: bytes, languages: Languages) -> Document:
    """Reads an HTML page; see `TranslationFormat.read`.

    Scripts, styles, code and elements with `translate="no"` are left out. The language of the page
    is changed to the target's.
    """
    charset = _CHARSET.search(data[:_PROBED_BYTES])
    text, encoding = decoded(name, data, charset[1].decode() if charset else "utf-8")
    lines = Lines(text)
    entries = []
    covered = 0
    for kind, begin, stop in sorted(_runs(text), key=lambda run: run[1]):
        run = text[begin:stop]
        start, end = begin + len(run) - len(run.lstrip()), begin + len(run.rstrip())
        if start < covered:  # an attribute within a sentence, which is written as a whole
            continue
        if kind.startswith("@"):
            marked = Marked(_one_space(html.unescape(text[start:end])))
            fill = partial(_fill_attribute, start, end, text[start - 1])
        else:
            marked = _marked(text[start:end])
            fill = partial(_fill, start, end, marked)
        if _has_text(marked):
            covered = end
            entries.append(
                Entry(lines.number(start), (marked.text,), "untranslated", (), kind, fill)
            )
    return Document(name, text, encoding, entries, _changed_language(text, languages), is_xml=True)


def _changed_language(text: str, languages: Languages) -> list[Edit]:
    own, wanted = languages
    pages = (tag for tag in _MARKUP.finditer(text) if (tag[2] or "").lower() == "html")
    page = next(pages, None)
    found = _LANGUAGE.search(page[0]) if page else None
    if not (page and found and own and wanted and base_language(found[1]) == base_language(own)):
        return []
    start = page.start() + found.start(1)
    return [Edit(start, start + len(found[1]), wanted)]


def _runs(text: str) -> Iterator[tuple[str, int, int]]:
    """Yields the element, the start and the end of each run of text and inline tags.

    Values of attributes that are shown, such as `alt`, are runs of their own.
    """
    kind, begin = "", 0
    skipped: list[str] = []
    for tag in _MARKUP.finditer(text):
        name = (tag[2] or "").lower()
        if not skipped and name and not tag[1] and not _NO_TRANSLATION.search(tag[3]):
            for value in _SHOWN.finditer(tag[0]):
                group = 1 if value[1] is not None else 2
                place = tag.start() + value.start(group)
                yield f"@{name}", place, place + len(value[group])
        if skipped:
            if name == skipped[-1]:
                if tag[1]:
                    skipped.pop()
                elif not tag[3].endswith("/"):
                    skipped.append(name)
            if not skipped:
                begin = tag.end() if not _INLINE.fullmatch(name) else begin
            continue
        is_open = bool(name) and not tag[1] and not tag[3].endswith("/") and name not in _VOID
        hides = is_open and bool(_SKIPPED.fullmatch(name) or _NO_TRANSLATION.search(tag[3]))
        if _INLINE.fullmatch(name):
            if hides:
                skipped.append(name)
            continue
        if name or tag[0].startswith("<!"):
            yield kind, begin, tag.start()
            kind, begin = name, tag.end()
            if hides:
                skipped.append(name)
    yield kind, begin, len(text)


_HIDDEN = re.compile(
    rf"<((?:{_SKIPPED.pattern})\b|\w+(?=[^<>]*{_NO_TRANSLATION.pattern})){_ATTRIBUTES}>"
    r".*?</\1\s*>",
    re.DOTALL | re.IGNORECASE,
)


def _marked(raw: str) -> Marked:
    """Reads a run; code in it is one piece, and white space is one space."""
    codes: list[str] = []

    def hide(code: re.Match[str]) -> str:
        codes.append(code[0])
        return f"<ph{len(codes)}/>"

    marked = read_markup(_one_space(_HIDDEN.sub(hide, raw)))
    stand_ins = {f"<ph{number}/>": code for number, code in enumerate(codes, start=1)}
    pieces = tuple((piece, stand_ins.get(written, written)) for piece, written in marked.pieces)
    return Marked(marked.text, pieces, has_twins=marked.has_twins)


def _one_space(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _has_text(marked: Marked) -> bool:
    text = marked.text
    for piece, _ in marked.pieces:
        text = text.replace(piece, " ", 1)
    return any(character.isalpha() for character in text)


def _fill(start: int, end: int, marked: Marked, texts: Sequence[str]) -> list[Edit]:
    return [Edit(start, end, marked.raw(texts[0], _escape))]


def _fill_attribute(start: int, end: int, quote: str, texts: Sequence[str]) -> list[Edit]:
    escaped = _escape(texts[0]).replace(quote, "&quot;" if quote == '"' else "&#39;")
    return [Edit(start, end, escaped)]


def _escape(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("\u00a0", "&nbsp;")


FORMAT = TranslationFormat(
    "HTML", (".html", ".htm", ".xhtml"), read_html, is_bilingual=False, has_keys=False
)
