"""TS, the format of Qt Linguist."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from translate.storage.ts2 import tsfile

from pipeline.translation_files.entries import (
    Document,
    Edit,
    Entry,
    Languages,
    State,
)
from pipeline.translation_files.markup import Marked, escape_xml, read_markup
from pipeline.translation_files.xliff import toolkit_units
from pipeline.translation_files.xml_places import Element, XmlFile, parse_xml


def read_ts(name: str, data: bytes, languages: Languages) -> Document:
    """Reads a TS file; see `TranslationFormat.read`."""
    xml = parse_xml(name, data, "TS")
    elements = list(xml.root.all("message"))
    units = toolkit_units(name, tsfile, data, len(elements))
    entries = [
        _entry(xml, unit, element)
        for unit, element in zip(units, elements, strict=True)
        if element.child("source")
    ]
    own = (xml.root.attributes.get("sourcelanguage"), xml.root.attributes.get("language"))
    return Document(name, xml.text, xml.encoding, entries, is_xml=True, languages=own)


def _entry(xml: XmlFile, unit: Any, element: Element) -> Entry:
    marked = read_markup(xml.content(element.child("source")))
    translation = element.child("translation")
    forms = [each for each in translation.children if each.name == "numerusform"] if (
        translation
    ) else []  # fmt: skip
    places = forms or ([translation] if translation else [])
    texts = [read_markup(xml.content(place)).text for place in places]
    state: State = "translated"
    if unit.isobsolete():
        state = "obsolete"
    elif not texts or not all(text.strip() for text in texts):
        state = "untranslated"
    elif translation and translation.attributes.get("type") == "unfinished":
        state = "fuzzy"
    count = (len(forms) or unit._store.nplural()) if unit.hasplural() else 0
    kept = texts if state == "untranslated" else []
    fill = partial(_fill, xml, element, marked, count, kept)
    # The source of a plural holds `%n`, and its last form is that of large numbers.
    target = texts[-1] if texts else ""
    context = unit.getcontextname() or ""
    return Entry(element.line, (marked.text,), state, (target,), context, fill)


def _fill(
    xml: XmlFile,
    element: Element,
    marked: Marked,
    count: int,
    kept: Sequence[str],
    texts: Sequence[str],
) -> list[Edit]:
    """Writes the translation, or as many forms as the language has for a number."""
    new = marked.raw(texts[0], _escape)
    source, translation = element.child("source"), element.child("translation")
    assert source
    forms = translation.children if translation else []
    if forms and translation:
        tag = xml.start_tag(translation, type="unfinished")
        empty = [
            form for form, text in zip(forms, [*kept, *[""] * len(forms)], strict=False) if not text
        ]
        return [
            Edit(translation.start, translation.inner, tag),
            *(xml.replaced(form, new) for form in empty),
        ]
    content = f"<numerusform>{new}</numerusform>" * count if count else new
    if translation:
        return [xml.replaced(translation, content, type="unfinished")]
    tag = f'{xml.indent(source)}<translation type="unfinished">{content}</translation>'
    return [Edit(source.end, source.end, tag)]


def _escape(text: str) -> str:
    """Escapes text as Qt does, with the quotes."""
    return escape_xml(text).replace('"', "&quot;").replace("'", "&apos;")
