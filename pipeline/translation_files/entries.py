"""The entries of a file, and the places of their text."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.errors import UserError
from text.encoding import likely_encoding
from text.languages import parse_language

State = Literal["translated", "untranslated", "fuzzy", "obsolete", "not for translation"]
Languages = tuple[str | None, str | None]
"""The codes of source and target; None where unknown."""
NEEDS_REVIEW = "needs-review-translation"
"""XLIFF's name of the state of a translation that a person must read."""

_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32-le",
    b"\x00\x00\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}


class CannotFillError(ValueError):
    """A translation does not fit into its entry; the message is the reason, for a table."""


@dataclass(frozen=True)
class Edit:
    """New text for a part of a file, from `start` to `end` in characters."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Entry:
    """A text of a file, and its translation.

    Attributes:
        line: the number of its first line, from 1.
        sources: the text; for a plural its singular and its plural.
        state: what the file says about its translation.
        targets: the translation of each source, or "". A file in one language has none.
        context: what tells it from equal texts; in a file in one language, its key.
        fill: returns the edits that write translations of `sources` into the file. It raises
            CannotFillError for translations that do not fit.
    """

    line: int
    sources: tuple[str, ...]
    state: State
    targets: tuple[str, ...] = ()
    context: str = ""
    fill: Callable[[Sequence[str]], Sequence[Edit]] | None = None


@dataclass(frozen=True)
class Document:
    """A decoded file.

    Attributes:
        name: the name for messages.
        text: the whole text, with its byte order mark and its line ends.
        encoding: the name of its encoding.
        entries: its entries, in their order.
        changes: edits to make besides those of entries, such as a language's code.
        is_xml: whether a character outside of the encoding is written by its number.
        languages: the codes that the file gives for its source and target.
    """

    name: str
    text: str
    encoding: str
    entries: Sequence[Entry]
    changes: Sequence[Edit] = ()
    is_xml: bool = False
    languages: Languages = (None, None)

    def other_language(self, languages: Languages) -> str:
        """Returns the first of the file's languages that is not the wanted one, or ""."""
        for own, wanted in zip(self.languages, languages, strict=True):
            if own and wanted and base_language(own) != base_language(wanted):
                return own
        return ""

    def can_encode(self, edits: Iterable[Edit]) -> bool:
        """Whether the encoding of the file has all characters of some edits."""
        try:
            for edit in edits:
                self._encoded(edit.text)
        except UnicodeEncodeError:
            return False
        return True

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """Returns the content of the file with some parts replaced, which must not overlap."""
        parts, place = [], 0
        for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
            parts += [self.text[place : edit.start], edit.text]
            place = edit.end
        return self._encoded("".join([*parts, self.text[place:]]))

    def _encoded(self, text: str) -> bytes:
        return text.encode(self.encoding, "xmlcharrefreplace" if self.is_xml else "strict")


@dataclass(frozen=True)
class TranslationFormat:
    """A format of translators' tools.

    Attributes:
        name: the name for people.
        suffixes: endings of file names, in small letters.
        read: reads a file, given its name for messages, its content and the languages. It raises
            UserError if the file is none of the format.
        is_bilingual: whether one file holds both languages. Otherwise a file is in one language,
            and its partner has the same keys.
        has_keys: whether an entry is found in the partner by its key. Otherwise the n-th entry of
            one file is the translation of the n-th of the other.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[str, bytes, Languages], Document]
    is_bilingual: bool
    has_keys: bool = True


def base_language(code: str) -> str:
    """Returns the language of a code without its region and script: `pt` of `pt_BR`."""
    try:
        return parse_language(code).base
    except ValueError:
        return code.replace("_", "-").partition("-")[0].lower()


def decoded(name: str, data: bytes, encoding: str = "utf-8") -> tuple[str, str]:
    """Returns the text of a file with its byte order mark, and the encoding that gives it back.

    Args:
        name: the name for messages.
        data: the content.
        encoding: the encoding without a mark of UTF-16 or UTF-32.

    Raises:
        UserError: it is in another encoding.
    """
    encoding = next((codec for mark, codec in _MARKS.items() if data.startswith(mark)), encoding)
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        start = data.rfind(b"\n", 0, error.start) + 1
        likely = likely_encoding(data[start : error.end + 100]) or "another encoding"
        raise UserError(
            f"Line {line} of {name} is not {encoding.upper()}, but probably {likely}: convert it "
            "first."
        ) from error
    except (LookupError, ValueError) as error:
        raise UserError(f"{name} names an unknown encoding, {encoding!r}; mend it.") from error


class Lines:
    """Finds the number of the line of a place in a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place, self._number = 0, 1

    def number(self, place: int) -> int:
        """Returns the number of a line, from 1; places must not go back."""
        self._number += self._text.count("\n", self._place, place)
        self._place = max(place, self._place)
        return self._number
