"""Manual pages in the markup of man(7), https://man7.org/linux/man-pages/man7/groff_man.7.html.

Pages in the markup of mdoc(7), with other macros, are left out.
"""

import re
import unicodedata

from pipeline.corpora.packages.documents import join_by_order, read_text
from pipeline.corpora.packages.kind import Block, ParallelKind, Place

_PATH = re.compile(r"usr/share/man/(?:(?P<language>[^/]+)/)?(?P<key>man\d\w*/[^/]+)")
_REQUEST = re.compile(r"[.'][ \t]*(?P<name>[A-Za-z]+)[ \t]*(?P<rest>.*)")
_ARGUMENT = re.compile(r'"((?:[^"]|"")*)"|((?:\\ |\S)+)')
_FONTS = {"B", "I", "R", "SM", "SB"}
_ALTERNATING = {"BR", "RB", "IR", "RI", "BI", "IB"}
_LINKS = {"UR", "UE", "MT", "ME"}
_HEADINGS = {"SH", "SS"}
_VERBATIM = {"nf": "fi", "EX": "EE", "TS": "TE", "de": ".", "ig": ".", "SY": "YS"}
_MDOC = re.compile(r"^\.(?:Dd|Sh)\b", re.MULTILINE)
_TITLE = re.compile(r"^\.[ \t]*TH\b", re.MULTILINE)

_SIGNS = {
    "aq": "'", "dq": '"', "lq": "“", "rq": "”", "oq": "‘", "cq": "’", "en": "–", "em": "—",
    "bu": "•", "co": "©", "rg": "®", "tm": "™", "ha": "^", "ti": "~", "rs": "\\", "sl": "/",
    "ga": "`", "at": "@", "sh": "#", "Do": "$", "Fo": "«", "Fc": "»", "fo": "‹", "fc": "›",
    "Bq": "„", "bq": "‚", "ss": "ß", "->": "→", "<-": "←", "<=": "≤", ">=": "≥", "mu": "×",
    "+-": "±", "mc": "µ", "de": "°", "hy": "-", "mi": "−", "ae": "æ", "AE": "Æ", "oe": "œ",
    "OE": "Œ", "/o": "ø", "/O": "Ø", "!=": "≠", "sc": "§", "ba": "|", "ul": "_",
}  # fmt: skip
"""The special characters of groff_char(7) that text has."""
_ACCENTS = {
    ":": "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", ",": "\u0327",
    "o": "\u030a", "v": "\u030c",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:"
    r"[fFmMgks](?:\[[^\]]*\]|\(..|[-+]?\d|.)"  # fonts, colours, sizes
    r"|[hvwXbolLZxD]'[^']*'"  # motions and drawings
    r"|\*(?:\[(?P<long_string>[^\]]*)\]|\((?P<string>..)|.)"
    r"|\[(?P<long>[^\]]*)\]|\((?P<short>..)"
    r"|n(?:\[[^\]]*\]|\(..|.)"
    r"|(?P<one>.)"
    r")"
)
_ONE = {"-": "-", "e": "\\", "\\": "\\", " ": " ", "~": " ", "0": " ", "t": " ", "'": "'", "`": "`",
        ".": "."}  # fmt: skip
"""Escapes of one character that stand for text; others, such as the hint `\\:`, are left out."""


def _place(path: str, names: frozenset[str]) -> Place | None:
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    language = found["language"]
    if language is None:
        return Place("source", found["key"])
    is_target = language.partition(".")[0].lower() in names
    return Place("target", found["key"]) if is_target else None


def read_manual_page(content: bytes) -> list[Block]:
    """Returns the headings, paragraphs and terms; the names of the macros are their labels.

    Args:
        content: a page, compressed or not.

    Raises:
        ValueError: it is damaged, or not UTF-8.
    """
    text = read_text(content)
    title = _TITLE.search(text)
    if title is None or _MDOC.search(text):
        return []
    reader = _Reader()
    for line in text[title.end() :].replace("\\\n", "").split("\n")[1:]:
        reader.read(line)
    reader.finish()
    return reader.blocks


class _Reader:
    """Joins the lines of a page to blocks."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._label = ""
        self._words: list[str] = []
        self._until: str | None = None
        """The request that ends verbatim text."""
        self._is_term = False
        self._depth = 0
        """Open braces of a condition."""

    def finish(self) -> None:
        text = " ".join(_decode(" ".join(self._words)).split())
        self._words.clear()
        if text:
            self.blocks.append(Block(self._label, text))

    def read(self, line: str) -> None:
        if line.startswith((r".\"", r"'\"", r".\#")):
            return
        if self._depth or line.startswith((".if", ".ie", ".el", ".while")):
            self._depth += line.count(r"\{") - line.count(r"\}")
            return
        request = _REQUEST.match(line)
        if self._until is not None:
            if line.strip() == ".." or (request and request["name"] == self._until):
                self._until = None
            return
        if request:
            self._request(request["name"], request["rest"])
        elif line.startswith((".", "'")):
            return
        elif not line.strip():
            self._begin("P")
        else:
            self._text(line)

    def _request(self, name: str, rest: str) -> None:
        if name in _FONTS:
            self._text(" ".join(_arguments(rest)))
        elif name in _ALTERNATING:
            self._text("".join(_arguments(rest)))
        elif name in _LINKS:
            return
        elif name in _VERBATIM:
            self._begin(name)
            self._until = _VERBATIM[name]
        elif name in _HEADINGS:
            self._begin(name)
            self._is_term = not rest.strip()
            if rest.strip():
                self._words.append(" ".join(_arguments(rest)))
                self._begin("P")
        elif name == "IP":
            self._begin("term")
            self._words += _arguments(rest)[:1]
            self._begin("IP")
        elif name in ("TP", "TQ"):
            self._begin("term")
            self._is_term = True
        else:
            self._begin(name)

    def _begin(self, label: str) -> None:
        self.finish()
        self._label = label
        self._is_term = False

    def _text(self, text: str) -> None:
        self._words.append(text)
        if self._is_term:
            self._begin("P" if self._label in _HEADINGS else "TP")


def _arguments(rest: str) -> list[str]:
    """Returns the arguments of a macro, in which quotation marks join words."""
    return [plain or quoted.replace('""', '"') for quoted, plain in _ARGUMENT.findall(rest)]


def _decode(text: str) -> str:
    return _ESCAPE.sub(_decoded, text)


def _decoded(escape: re.Match[str]) -> str:
    name = escape["long"] or escape["short"] or escape["string"] or escape["long_string"]
    if name:
        return _sign(name)
    return _ONE.get(escape["one"] or "", "")


def _sign(name: str) -> str:
    if name in _SIGNS:
        return _SIGNS[name]
    if len(name) == 2 and name[0] in _ACCENTS and name[1].isalpha():
        return unicodedata.normalize("NFC", name[1] + _ACCENTS[name[0]])
    if re.fullmatch("u[0-9A-F]{4,6}", name):
        return chr(int(name[1:], 16))
    return ""


KIND = ParallelKind(_place, read_manual_page, join_by_order)
