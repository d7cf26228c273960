"""XLIFF 1.2 and 2: the units are judged by translate-toolkit, and filled in their places."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from translate.storage.xliff import xlifffile
from translate.storage.xliff2 import Xliff2File

from pipeline.errors import UserError
from pipeline.translation_files.entries import (
    NEEDS_REVIEW,
    Document,
    Edit,
    Entry,
    Languages,
    State,
)
from pipeline.translation_files.markup import Marked, escape_xml, read_markup
from pipeline.translation_files.xml_places import Element, XmlFile, parse_xml

_DRAFTS = ("new", "needs-")
"""Beginnings of the states of XLIFF 1.2 that a translation has before it is done."""


def read_xliff(name: str, data: bytes, languages: Languages) -> Document:
    """Reads an XLIFF file; see `TranslationFormat.read`."""
    xml = parse_xml(name, data, "xliff")
    is_second = xml.root.attributes.get("version", "").startswith("2")
    store_class, unit_name = (Xliff2File, "segment") if is_second else (xlifffile, "trans-unit")
    elements = list(xml.root.all(unit_name))
    units = toolkit_units(name, store_class, data, len(elements))
    entries = [
        _entry(xml, unit, element, is_second)
        for unit, element in zip(units, elements, strict=True)
        if element.child("source")
    ]
    own = _languages(xml.root, is_second)
    return Document(name, xml.text, xml.encoding, entries, is_xml=True, languages=own)


def _languages(root: Element, is_second: bool) -> Languages:
    if is_second:
        return root.attributes.get("srcLang"), root.attributes.get("trgLang")
    file = next(root.all("file"), root)
    return file.attributes.get("source-language"), file.attributes.get("target-language")


def toolkit_units(name: str, store_class: Any, data: bytes, number: int) -> Sequence[Any]:
    """Returns the units that translate-toolkit finds in a well-formed file.

    Args:
        name: the name for messages.
        store_class: its class for the format.
        data: the content of the file.
        number: how many units there must be.

    Raises:
        UserError: there are others, or the toolkit cannot read the file.
    """
    try:
        units = store_class.parsestring(data).units
    except Exception as error:  # the toolkit raises AssertionError, AttributeError and others
        raise UserError(
            f"{name} is no {store_class.Name} that nmt can read ({error or type(error).__name__}); "
            "mend it, or export it again."
        ) from error
    if len(units) != number:
        raise UserError(
            f"{name} has {number} units, but only {len(units)} in the usual places: write it with "
            "the namespace of its format as the default, without prefixes."
        )
    return list(units)


def _entry(xml: XmlFile, unit: Any, element: Element, is_second: bool) -> Entry:
    source, target = element.child("source"), element.child("target")
    assert source
    marked, given = read_markup(xml.content(source)), read_markup(xml.content(target))
    if is_second:
        is_draft = unit.isfuzzy()
    else:
        is_draft = target is not None and (target.attributes.get("state", "").startswith(_DRAFTS))
    state: State = "translated"
    if not unit.istranslatable():
        state = "not for translation"
    elif not given.text.strip():
        state = "untranslated"
    elif is_draft:
        state = "fuzzy"
    fill = partial(_fill, xml, element, marked, is_second)
    identity = str(unit.getid() or "").replace("\x04", " ")
    return Entry(element.line, (marked.text,), state, (given.text,), identity, fill)


def _fill(
    xml: XmlFile, element: Element, marked: Marked, is_second: bool, texts: Sequence[str]
) -> list[Edit]:
    content = marked.raw(texts[0], escape_xml)
    source, target = element.child("source"), element.child("target")
    assert source
    edits = []
    state = {} if is_second else {"state": NEEDS_REVIEW, "state_qualifier": ""}
    if is_second:
        tag = xml.start_tag(element, state="initial", subState="")
        edits.append(Edit(element.start, element.inner, tag))
    if target:
        return [*edits, xml.replaced(target, content, **state)]
    name = xml.written_name(source).replace("source", "target")
    attribute = "" if is_second else f' state="{NEEDS_REVIEW}"'
    after = (element.child("seg-source") or source).end
    new = f"{xml.indent(source)}<{name}{attribute}>{content}</{name}>"
    return [*edits, Edit(after, after, new)]
