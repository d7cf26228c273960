"""Divides a text into the parts to translate and the markup around them, and joins both again.

Tags within a sentence go through the model as protected parts (`text.protected`), so they come out
beside the right words. A model that cannot copy loses them. Then the sentence is translated without
tags, and its attention gives their places (`serving.web.tag_places`): the tags are always kept.
"""

import html
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from serving.contract.translation import Translation
from serving.web.tag_places import Element, place_tags

_ATTRIBUTES = r"""(?:"[^"]*"|'[^']*'|[^'"<>])*"""
_TAG = rf"</?[A-Za-z][\w:.-]*(?![\w:.-]){_ATTRIBUTES}>"
_WHOLE = (
    rf"<(script|style|textarea|pre|code)\b{_ATTRIBUTES}>.*?</\1\s*>"
    rf"|<([a-z][\w:-]*)\s(?:{_ATTRIBUTES}\s)?translate\s*=\s*"
    rf"""(?:"no"|'no'|no(?=[\s>])){_ATTRIBUTES}>.*?</\2\s*>"""
)
"""Elements whose content is no text to translate."""
_MARKUP = re.compile(rf"{_WHOLE}|<!--.*?-->|<[!?][^<>]*>|{_TAG}", re.DOTALL | re.IGNORECASE)
_MARK = re.compile(rf"\[X[0-9]{{1,4}}X\]|{_TAG}")
"""What stays in a text that is no HTML: tags, and Weblate's marks for parts of any kind."""
_NAME = re.compile(r"<(/?)([\w:.-]+)")
_BLOCKS = re.compile(
    "address|article|aside|blockquote|body|br|button|caption|center|col|colgroup|dd|details|dialog|"
    "div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hgroup|hr|"
    "html|iframe|label|legend|li|link|main|menu|meta|nav|noscript|ol|optgroup|option|p|pre|script|"
    "section|select|style|summary|table|tbody|td|template|textarea|tfoot|th|thead|title|tr|ul"
)
"""Elements between which a sentence cannot go on; others, also unknown ones, stand within it."""
_VOID = re.compile("area|base|embed|img|input|param|source|track|wbr")
_PLACE = re.compile(r"<x([0-9]{1,4})>")
_SPACE = re.compile(r"[ \t\n\r\f]+")


class Segment(Protocol):
    """A part of a document to translate."""

    @property
    def text(self) -> str:
        """The text for the model."""

    @property
    def plain(self) -> str:
        """The text without its tags."""

    def put(self, translation: str) -> str | None:
        """Returns a translation of the text as a part of the document, None if it lost tags."""

    def place(self, translation: Translation) -> str:
        """Returns a translation of the plain text as a part of the document, with its tags."""


@dataclass(frozen=True)
class Document:
    """The parts of a text: those to translate, and strings that stay as they are."""

    parts: tuple[Segment | str, ...]

    @property
    def segments(self) -> list[Segment]:
        """The parts to translate."""
        return [part for part in self.parts if not isinstance(part, str)]

    def join(self, translations: Sequence[str]) -> str:
        """Returns the document with its segments replaced, in their order."""
        found = iter(translations)
        return "".join(part if isinstance(part, str) else next(found) for part in self.parts)


@dataclass(frozen=True)
class PlainText:
    """A text without markup, as a segment."""

    text: str

    @property
    def plain(self) -> str:
        """The text."""
        return self.text

    def put(self, translation: str) -> str:
        """Returns the translation."""
        return translation

    def place(self, translation: Translation) -> str:
        """Returns the translation."""
        return translation.text


class _Sentences:
    """Texts and the inline tags between them: text, tag, text, ..., text."""

    def __init__(self, items: Sequence[str], *, is_html: bool):
        self._is_html = is_html
        self._texts = list(map(_plain, items[::2])) if is_html else items[::2]
        self._tags = items[1::2]
        self._closes = _closing_tags(self._tags)
        self.plain = ""
        self._starts = []
        for text in self._texts:
            self.plain += text.lstrip(" ") if self.plain.endswith(" ") else text
            self._starts.append(len(self.plain))

    @property
    def text(self) -> str:
        return _interleave(self._texts, [f"<x{index}>" for index in range(len(self._tags))])

    def put(self, translation: str) -> str | None:
        items = _PLACE.split(translation)
        order = list(map(int, items[1::2]))
        if sorted(order) != list(range(len(self._tags))) or not self._is_nested(order):
            return None
        return self._written(items[::2], [self._tags[index] for index in order])

    def place(self, translation: Translation) -> str:
        items = place_tags(self._elements(), self.plain, translation)
        return self._written(items[::2], items[1::2])

    def _written(self, texts: Sequence[str], tags: Sequence[str]) -> str:
        if self._is_html:
            texts = [html.escape(text, quote=False) for text in texts]
        return _interleave(texts, tags)

    def _elements(self) -> Element:
        """Returns the elements as a tree."""
        opened = [Element(0)]
        ends = set(self._closes.values())
        for index, (start, tag) in enumerate(zip(self._starts, self._tags, strict=False)):
            if index in ends:
                opened.pop()
                continue
            element = Element(start, tag, start)
            opened[-1].children.append(element)
            if index in self._closes:
                close = self._closes[index]
                element.end, element.after = self._starts[close], self._tags[close]
                opened.append(element)
            else:
                before, after = self._texts[index : index + 2]
                element.has_spaces = before.endswith(" "), after.startswith(" ")
        return opened[0]

    def _is_nested(self, order: Sequence[int]) -> bool:
        """Whether each tag that closes an element follows the one that opens it, as in a tree."""
        opened: list[int] = []
        partners = set(self._closes.values())
        for index in order:
            if index in self._closes:
                opened.append(index)
            elif index in partners and (not opened or self._closes[opened.pop()] != index):
                return False
        return not opened


def plain_text(text: str) -> Document:
    """Returns a document of text that is no HTML, but may have tags and Weblate's marks."""
    if not _MARK.search(text):
        return Document((PlainText(text),) if text.strip() else (text,))
    parts: list[Segment | str] = []
    for line in re.split("(\n)", text):
        items = itertools.zip_longest(_MARK.split(line), _MARK.findall(line), fillvalue="")
        parts += _parts(list(itertools.chain(*items))[:-1], is_html=False)
    return Document(tuple(parts))


def html_document(text: str) -> Document:
    """Divides HTML, whole or in part, well-formed or not."""
    parts: list[Segment | str] = []
    items = [""]
    end = 0
    for found in _MARKUP.finditer(text):
        items[-1] += text[end : found.start()]
        end = found.end()
        if _is_inline(found[0]):
            items += [found[0], ""]
        else:
            parts += [*_parts(items, is_html=True), found[0]]
            items = [""]
    items[-1] += text[end:]
    return Document((*parts, *_parts(items, is_html=True)))


def _parts(items: list[str], *, is_html: bool) -> list[Segment | str]:
    """Returns texts and inline tags as a segment, and what stands around it."""
    texts, tags = items[::2], items[1::2]
    if not any(map(_has_words, texts)):
        return ["".join(items)]
    closes = _closing_tags(tags)
    paired = {*closes, *closes.values()}
    first, last = 0, len(tags)
    while first < last:
        is_first, is_last = not texts[first].strip(), not texts[last].strip()
        if is_first and is_last and closes.get(first) == last - 1:
            first, last = first + 1, last - 1
        elif is_first and first not in paired:
            first += 1
        elif is_last and last - 1 not in paired:
            last -= 1
        else:
            break
    inner = items[2 * first : 2 * last + 1]
    before = "".join(items[: 2 * first]) + inner[0][: len(inner[0]) - len(inner[0].lstrip())]
    inner[0] = inner[0].lstrip()
    after = inner[-1][len(inner[-1].rstrip()) :] + "".join(items[2 * last + 1 :])
    inner[-1] = inner[-1].rstrip()
    return [before, _Sentences(inner, is_html=is_html), after]


def _closing_tags(tags: Sequence[str]) -> dict[int, int]:
    """Returns the index of the tag that closes each element, by that of the tag that opens it."""
    closes: dict[int, int] = {}
    opened: list[tuple[str, int]] = []
    for index, tag in enumerate(tags):
        is_end, name = _named(tag)
        if not is_end:
            if not _VOID.fullmatch(name) and not tag.endswith("/>") and "</" not in tag:
                opened.append((name, index))
        elif name in (each for each, _ in opened):
            while (top := opened.pop())[0] != name:
                pass
            closes[top[1]] = index
    return closes


def _named(tag: str) -> tuple[bool, str]:
    """Returns whether a tag closes an element, and the name of the element."""
    found = _NAME.match(tag)
    return (bool(found[1]), found[2].lower()) if found else (False, "")


def _is_inline(markup: str) -> bool:
    _, name = _named(markup)
    return bool(name) and not _BLOCKS.fullmatch(name)


def _has_words(text: str) -> bool:
    return any(map(str.isalnum, html.unescape(text)))


def _plain(text: str) -> str:
    """Returns the text that a reader of a part of HTML sees, on one line."""
    return _SPACE.sub(" ", html.unescape(text))


def _interleave(texts: Sequence[str], tags: Sequence[str]) -> str:
    return "".join(itertools.chain(*zip(texts, (*tags, ""), strict=True)))
