"""The places of the elements of an XML file, so that one can be edited and the rest stays."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from pipeline.errors import UserError
from pipeline.translation_files.entries import Edit, decoded

_DECLARED = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_LONGEST_INDENT = 200
_DEEPEST = 200
"""Elements within each other; files of this kind have a dozen."""
_START_TAG = re.compile(r"<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")


@dataclass(slots=True)
class Element:
    """An element and its place, in characters.

    Attributes:
        name: the name without a prefix.
        attributes: its attributes; those of XML itself with the prefix, as `xml:lang`.
        start: the place of its start tag.
        inner: the place after its start tag.
        inner_end: the place of its end tag; for `<a/>` the same as `inner`.
        end: the place after it.
        line: the number of its line, from 1.
        children: the elements in it.
    """

    name: str
    attributes: dict[str, str]
    start: int
    inner: int
    line: int
    inner_end: int = -1
    end: int = -1
    children: list["Element"] = field(default_factory=list)

    def all(self, name: str) -> Iterator["Element"]:
        """Yields the elements of a name within this one, in their order, but none within those."""
        for child in self.children:
            if child.name == name:
                yield child
            else:
                yield from child.all(name)

    def child(self, name: str) -> "Element | None":
        """Returns the first child of a name."""
        return next((child for child in self.children if child.name == name), None)


@dataclass(frozen=True)
class XmlFile:
    """A parsed file.

    Attributes:
        text: the decoded file.
        encoding: the name of its encoding.
        root: its root element.
    """

    text: str
    encoding: str
    root: Element

    def content(self, element: Element | None) -> str:
        """Returns the content of an element as the file has it; "" without an element."""
        return "" if element is None else self.text[element.inner : element.inner_end]

    def start_tag(self, element: Element, **attributes: str) -> str:
        """Returns the start tag of an element, not closed, with other values of attributes."""
        tag = self.text[element.start : element.inner].removesuffix(">").removesuffix("/").rstrip()
        for name, value in attributes.items():
            name = name.replace("_", "-")
            tag = re.sub(rf"\s+{name}\s*=\s*(?:\"[^\"]*\"|'[^']*')", "", tag)
            tag += f' {name}="{value}"' if value else ""
        return f"{tag}>"

    def written_name(self, element: Element) -> str:
        """Returns the name of an element with its prefix."""
        found = re.match(r"<([^\s/>]+)", self.text[element.start : element.inner])
        assert found
        return found[1]

    def replaced(self, element: Element, content: str, **attributes: str) -> Edit:
        """Returns the edit that gives an element other content, and attributes other values."""
        tag = self.start_tag(element, **attributes)
        end = f"</{self.written_name(element)}>"
        return Edit(element.start, element.end, f"{tag}{content}{end}")

    def indent(self, element: Element) -> str:
        """Returns the white space before an element, back to the markup before it."""
        before = self.text[max(0, element.start - _LONGEST_INDENT) : element.start]
        return before[len(before.rstrip()) :]


def parse_xml(name: str, data: bytes, root: str) -> XmlFile:
    """Parses a file, without reading anything outside of it.

    Args:
        name: the name for messages.
        data: the content.
        root: the name that the root element must have.

    Raises:
        UserError: it is not well-formed, has another root, or asks for another file.
    """
    declared = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf"))
    text, encoding = decoded(name, data, declared[1].decode() if declared else "utf-8")
    places = _Places(text)
    try:
        places.parse()
    except expat.ExpatError as error:
        raise UserError(
            f"Line {error.lineno} of {name} is not well-formed XML "
            f"({expat.errors.messages.get(error.code, error)}); mend it."
        ) from error
    except _TooDeepError as error:
        raise UserError(
            f"Line {error} of {name} has more than {_DEEPEST} elements within each other; give a "
            "file as a translators' tool writes it."
        ) from error
    except _ExternalEntityError as error:
        raise UserError(
            f"Line {error} of {name} declares an entity in another file, which nmt does not read; "
            "take the declaration out."
        ) from error
    found = places.root.children[0]
    if found.name != root:
        raise UserError(
            f"{name} is XML with the root <{found.name}>, but <{root}> is needed; give a file of "
            "its kind, or convert it to XLIFF or PO."
        )
    return XmlFile(text, encoding, found)


class _ExternalEntityError(Exception):
    """An entity is declared outside of the file; the message is the number of the line."""


class _TooDeepError(Exception):
    """Too many elements are within each other; the message is the number of the line."""


class _Places:
    """Collects the elements of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._data = text.encode("utf-8")
        self._byte = self._character = 0
        self.root = Element("", {}, 0, 0, 1)
        self._open = [self.root]
        # The encoding of the declaration is that of the file, not of this copy.
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = self._entity

    def parse(self) -> None:
        self._parser.Parse(self._data, True)

    def _place(self) -> int:
        """Returns the place of the parser in characters; it never goes back."""
        byte = self._parser.CurrentByteIndex
        if byte > self._byte:
            self._character += len(self._data[self._byte : byte].decode("utf-8"))
            self._byte = byte
        return self._character

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) > _DEEPEST:
            raise _TooDeepError(self._parser.CurrentLineNumber)
        start = self._place()
        tag = _START_TAG.match(self._text, start)
        inner = tag.end() if tag else start
        local = name.rpartition(":")[2]
        element = Element(local, attributes, start, inner, self._parser.CurrentLineNumber)
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, _: str) -> None:
        element = self._open.pop()
        if self._text[element.inner - 2 : element.inner] == "/>":
            element.inner_end = element.end = element.inner
            return
        element.inner_end = self._place()
        element.end = self._text.find(">", element.inner_end) + 1

    def _entity(self, *declaration: object) -> None:
        system_id = declaration[4]
        if system_id is not None:
            raise _ExternalEntityError(self._parser.CurrentLineNumber)
