"""Android's string resources, by translate-toolkit: one language a file."""

import copy
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from lxml import etree
from translate.lang.data import cldr_plural_categories, plural_tags
from translate.storage.aresource import AndroidResourceFile, AndroidResourceUnit

from pipeline.errors import UserError
from pipeline.translation_files.entries import (
    CannotFillError,
    Document,
    Edit,
    Entry,
    Languages,
    State,
    base_language,
)
from pipeline.translation_files.markup import LOST
from pipeline.translation_files.xml_places import Element, XmlFile, parse_xml

_OTHER = "other"
_REFERENCE = re.compile(r"[@?][\w.:+]+/[\w.]+")
"""Another resource in place of a text, such as `@string/app_name`."""


def read_android(name: str, data: bytes, languages: Languages) -> Document:
    """Reads a file such as `res/values/strings.xml`; see `TranslationFormat.read`."""
    xml = parse_xml(name, data, "resources")
    try:
        store = AndroidResourceFile.parsestring(data)
    except Exception as error:  # the toolkit raises AssertionError and others
        raise UserError(f"{name} holds no string resources of Android ({error}).") from error
    nodes = [node for node in store.document.getroot() if isinstance(node.tag, str)]
    entries = [
        entry
        for node, element in zip(nodes, xml.root.children, strict=True)
        for entry in _entries(xml, store, node, element, languages[1])
    ]
    return Document(name, xml.text, xml.encoding, entries, is_xml=True)


def _entries(
    xml: XmlFile, store: Any, node: Any, element: Element, language: str | None
) -> Iterator[Entry]:
    key = element.attributes.get("name", "")
    is_fixed = element.attributes.get("translatable") == "false" or (
        _REFERENCE.fullmatch(xml.content(element).strip())
    )
    state: State = "not for translation" if is_fixed else "untranslated"
    items = [each for each in node if each.tag == "item"]
    texts = [_text(store, item) for item in items]
    if element.name == "string":
        text = _text(store, node)
        yield Entry(
            element.line, (text,), state, (), key, partial(_fill, xml, store, node, element)
        )
    elif element.name == "string-array":
        places = [child for child in element.children if child.name == "item"]
        for number, (item, place, text) in enumerate(zip(items, places, texts, strict=True)):
            fill = partial(_fill, xml, store, item, place)
            yield Entry(place.line, (text,), state, (), f"{key}[{number}]", fill)
    elif element.name == "plurals" and items:
        forms = {item.get("quantity"): text for item, text in zip(items, texts, strict=True)}
        many = forms.get(_OTHER, texts[-1])
        sources = (forms.get("one", many), many)
        fill = partial(_fill_plural, xml, store, items[0], element, language)
        yield Entry(element.line, sources, state, (), key, fill)


def _text(store: Any, node: Any) -> str:
    """Returns the text of a node without Android's escapes, with tags as they are."""
    return _unit(store, node).get_xml_text_value(node)


def _unit(store: Any, node: Any) -> Any:
    unit = AndroidResourceUnit(None, xmlelement=node)
    unit._store = store
    return unit


def _content(store: Any, node: Any, text: str) -> str:
    """Returns the content of a node for a text, with Android's escapes."""
    clone = copy.deepcopy(node)
    unit = _unit(store, clone)
    unit.set_xml_text_value(text, clone)
    had, has = (sorted(str(each.tag) for each in tree.iter()) for tree in (node, unit.xmlelement))
    if had != has:
        raise CannotFillError(LOST)
    raw = etree.tostring(unit.xmlelement, encoding="unicode", with_tail=False)
    return raw[raw.index(">") + 1 : raw.rindex("<")] if text else ""


def _fill(
    xml: XmlFile, store: Any, node: Any, element: Element, texts: Sequence[str]
) -> list[Edit]:
    return [xml.replaced(element, _content(store, node, texts[0]))]


def _fill_plural(
    xml: XmlFile,
    store: Any,
    node: Any,
    element: Element,
    language: str | None,
    texts: Sequence[str],
) -> list[Edit]:
    """Writes an item for each plural category (CLDR) of the target language."""
    base = base_language(language) if language else ""
    tags = {_OTHER, *plural_tags.get(base, ("one", _OTHER))}
    contents = {tag: _content(store, node, texts[0 if tag == "one" else 1]) for tag in tags}
    first = element.children[0]
    items = [
        f'{xml.indent(first)}<item quantity="{tag}">{contents[tag]}</item>'
        for tag in cldr_plural_categories
        if tag in tags
    ]
    return [Edit(first.start - len(xml.indent(first)), element.children[-1].end, "".join(items))]
