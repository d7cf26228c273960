"""Text with markup in it: what a model reads of it, and the markup put back into a translation."""

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline.translation_files.entries import CannotFillError

LOST = "placeholder or tag lost"
_TOKEN = re.compile(
    r"<!\[CDATA\[(?P<cdata>.*?)\]\]>"
    r"|(?P<native><(?P<name>bpt|ept|ph|it)\b[^<>]*(?:/>|>.*?</(?P=name)\s*>))"
    r"|(?P<tag><(?:!--.*?--|\?.*?\?|/?[A-Za-z_][^<>]*)>)"
    r"|(?P<entity>&[#\w.:-]+;)",
    re.DOTALL,
)
_WHOLE_CDATA = re.compile(r"\s*<!\[CDATA\[((?:(?!\]\]>).)*)\]\]>\s*", re.DOTALL)
_VOID = frozenset(["br", "hr", "img", "wbr"])
"""Elements of HTML without an end tag."""
_TAG = re.compile(r"<(/?)([A-Za-z_][\w.:-]*)[^<>]*?(/?)>")


@dataclass(frozen=True)
class Marked:
    """Text without escapes, in which some tags stay.

    Attributes:
        text: the text as a model reads it.
        pieces: the markup of each stand-in in `text`; mostly a tag stands for itself.
        is_cdata: whether all of it is a CDATA section.
        has_twins: whether a stand-in is in the text itself, too, and so cannot be found again.
    """

    text: str
    pieces: tuple[tuple[str, str], ...] = ()
    is_cdata: bool = False
    has_twins: bool = False

    def raw(self, translation: str, escape: Callable[[str], str]) -> str:
        """Returns a translation with its markup.

        Args:
            translation: with the stand-ins of `text`, in any order.
            escape: escapes the text between them.

        Raises:
            CannotFillError: a piece of markup is missing, or out of its element.
        """
        if self.has_twins:
            raise CannotFillError(LOST)
        if self.is_cdata:
            if "]]>" in translation:
                raise CannotFillError(LOST)
            return f"<![CDATA[{translation}]]>"
        waiting = list(self.pieces)
        parts, order = [], []
        pattern = "|".join(_with_any_space(piece) for piece, _ in self.pieces)
        place = 0
        for found in re.finditer(pattern, translation) if pattern else ():
            key = "".join(found[0].split())
            piece = next((each for each in waiting if "".join(each[0].split()) == key), None)
            if piece is None:
                raise CannotFillError(LOST)
            waiting.remove(piece)
            order.append(piece[0])
            parts += [escape(translation[place : found.start()]), piece[1]]
            place = found.end()
        parts.append(escape(translation[place:]))
        if waiting or not (order == [piece for piece, _ in self.pieces] or _is_nested(order)):
            raise CannotFillError(LOST)
        return "".join(parts)


def read_markup(raw: str) -> Marked:
    """Reads the content of an element.

    Args:
        raw: the content, as the file has it.
    """
    if whole := _WHOLE_CDATA.fullmatch(raw):
        return Marked(whole[1], is_cdata=True)
    parts, pieces, place = [], [], 0
    for token in _TOKEN.finditer(raw):
        parts.append(html.unescape(raw[place : token.start()]))
        place = token.end()
        if token["cdata"] is not None:
            parts.append(token["cdata"])
        elif token["entity"]:
            character = html.unescape(token[0])
            parts.append(character)
            if character == token[0]:  # an entity of the file's own
                pieces.append((token[0], token[0]))
        else:
            stand_in = f"<x{len(pieces) + 1}/>" if token["native"] else token[0]
            parts.append(stand_in)
            pieces.append((stand_in, token[0]))
    parts.append(html.unescape(raw[place:]))
    text = "".join(parts)
    number = sum(len(re.findall(_with_any_space(piece), text)) for piece in dict(pieces))
    return Marked(text, tuple(pieces), has_twins=number != len(pieces))


def escape_xml(text: str) -> str:
    """Escapes text for the content of an XML element."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _with_any_space(piece: str) -> str:
    """Returns a pattern: a model may write other white space within a tag."""
    return r"\s+".join(map(re.escape, piece.split())).replace("/>", r"\s*/>")


def _is_nested(tags: Iterable[str]) -> bool:
    """Whether each tag has its partner, in the order of elements."""
    opened: list[str] = []
    for closing, name, empty in (tag.groups() for tag in map(_TAG.fullmatch, tags) if tag):
        if not closing and not empty and name.lower() not in _VOID:
            opened.append(name)
        elif closing and (not opened or opened.pop() != name):
            return False
    return not opened
