"""HTML and SVG from Python values: what is not markup already is escaped, always.

tag("p", "a < b", tag("b", "!"), class_="note")   ->   <p class="note">a &lt; b<b>!</b></p>
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import TypeAlias

_VOID = {"meta", "br"}


class Html(str):
    """Text that is markup; any other text is escaped where it is put in."""

    __slots__ = ()


Content: TypeAlias = "str | int | Iterable[Content] | None"
"""Text, markup, whole numbers, nothing, or any number of these."""
Attribute = str | int | float | bool | None


def tag(name: str, *content: Content, **attributes: Attribute) -> Html:
    """Writes an element.

    Args:
      name: of the element.
      content: what is in it.
      attributes: `class_` is written class and `aria_label` aria-label; what is None or False is
        left out, what is True is written without a value.
    """
    start = f"<{name}{''.join(_attribute(*each) for each in attributes.items())}>"
    return Html(start if name in _VOID else f"{start}{join(*content)}</{name}>")


def join(*content: Content) -> Html:
    """Writes one after the other."""
    return Html("".join(map(_written, content)))


def table(
    caption: Content,
    head: Sequence[Content],
    rows: Iterable[Sequence[Content]],
    *,
    numbers: Sequence[int] = (),
    row_classes: Sequence[str | None] = (),
) -> Html:
    """Writes a table whose first column names the rows; it scrolls where it is too wide.

    Args:
      caption: what it is.
      head: the headings of the columns.
      rows: of as many cells.
      numbers: the columns that hold numbers, from 0.
      row_classes: of each row, if any.
    """
    looks = ["number" if column in numbers else None for column in range(len(head))]
    body = []
    for number, cells in enumerate(rows):
        first, *others = (
            tag("th", cell, scope="row", class_=looks[0])
            if column == 0
            else tag("td", cell, class_=looks[column])
            for column, cell in enumerate(cells)
        )
        look = row_classes[number] if row_classes else None
        body.append(tag("tr", first, others, class_=look))
    heading = tag(
        "tr",
        [tag("th", cell, scope="col", class_=look) for cell, look in zip(head, looks, strict=True)],
    )
    whole = tag("table", tag("caption", caption), tag("thead", heading), tag("tbody", body))
    # A keyboard scrolls only what can have the focus.
    return tag("div", whole, class_="scroll", tabindex=0, role="region", aria_label=_text(caption))


def details(summary: Content, *content: Content) -> Html:
    """Writes a part that is closed until a reader opens it."""
    return tag("details", tag("summary", summary), *content)


def _written(content: Content) -> str:
    if content is None:
        return ""
    if isinstance(content, Html):
        return content
    if isinstance(content, str | int):
        return html.escape(str(content))
    return "".join(map(_written, content))


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    written = name.rstrip("_").replace("_", "-")
    return f" {written}" if value is True else f' {written}="{html.escape(str(value))}"'


def _text(content: Content) -> str:
    """What is left of content without its elements, for an attribute."""
    written, inside = [], False
    for character in _written(content):
        if character == "<":
            inside = True
        elif character == ">":
            inside = False
        elif not inside:
            written.append(character)
    return html.unescape("".join(written))
