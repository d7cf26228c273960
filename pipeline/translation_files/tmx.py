"""TMX, translation memories: text in several languages, of which two are read."""

from collections.abc import Sequence
from functools import partial

from translate.storage.tmx import tmxfile

from pipeline.errors import UserError
from pipeline.translation_files.entries import (
    NEEDS_REVIEW,
    Document,
    Edit,
    Entry,
    Languages,
    State,
    base_language,
)
from pipeline.translation_files.markup import Marked, escape_xml, read_markup
from pipeline.translation_files.xliff import toolkit_units
from pipeline.translation_files.xml_places import Element, XmlFile, parse_xml
from text.languages import usual_tag

_STATE = "x-state"
"""The type of our property: TMX has no mark of its own for what a person must read."""


def read_tmx(name: str, data: bytes, languages: Languages) -> Document:
    """Reads a TMX file; see `TranslationFormat.read`."""
    if None in languages:
        raise UserError(f"{name} is TMX, so the model's languages must be known; train it again.")
    xml = parse_xml(name, data, "tmx")
    elements = list(xml.root.all("tu"))
    units = toolkit_units(name, tmxfile, data, len(elements))
    entries = []
    for unit, element in zip(units, elements, strict=True):
        source = _of_language(element, languages[0])
        if source and source.child("seg"):
            entries.append(_entry(xml, element, source, languages[1], unit.getcontext()))
    if elements and not entries:
        found = sorted({_language(tuv) for tuv in xml.root.all("tuv")})
        raise UserError(
            f"{name} has no text in {languages[0]!r}, but in {', '.join(found)}; give another "
            "language or file."
        )
    return Document(name, xml.text, xml.encoding, entries, is_xml=True)


def _language(tuv: Element) -> str:
    return tuv.attributes.get("xml:lang") or tuv.attributes.get("lang", "")


def _of_language(unit: Element, language: str | None) -> Element | None:
    """Returns the text in a language, or else in the same language of another region."""

    assert language
    texts = list(unit.all("tuv"))
    exact = (each for each in texts if usual_tag(_language(each)) == usual_tag(language))
    base = base_language(language)
    same = (each for each in texts if base_language(_language(each)) == base)
    return next(exact, None) or next(same, None)


def _entry(
    xml: XmlFile, unit: Element, source: Element, language: str | None, context: str
) -> Entry:
    target = _of_language(unit, language)
    marked = read_markup(xml.content(source.child("seg")))
    given = read_markup(xml.content(target.child("seg") if target else None)).text
    is_draft = target and any(
        each.attributes.get("type") == _STATE and xml.content(each) == NEEDS_REVIEW
        for each in target.all("prop")
    )
    state: State = "untranslated" if not given.strip() else "fuzzy" if is_draft else "translated"
    fill = partial(_fill, xml, source, target, marked, language or "")
    return Entry(unit.line, (marked.text,), state, (given,), context, fill)


def _fill(
    xml: XmlFile,
    source: Element,
    target: Element | None,
    marked: Marked,
    language: str,
    texts: Sequence[str],
) -> list[Edit]:
    """Writes the text of the target language, as the source's sibling if there is none."""
    mark = f'<prop type="{_STATE}">{NEEDS_REVIEW}</prop>'
    content = marked.raw(texts[0], escape_xml)
    seg = target.child("seg") if target else None
    if target and seg:
        is_marked = any(xml.content(each) == NEEDS_REVIEW for each in target.all("prop"))
        marks = [] if is_marked else [Edit(seg.start, seg.start, mark + xml.indent(seg))]
        return [*marks, xml.replaced(seg, content)]
    code = _language(target) if target else language
    new = f'<tuv xml:lang="{code}">{mark}<seg>{content}</seg></tuv>'
    if target:
        return [Edit(target.start, target.end, new)]
    return [Edit(source.end, source.end, xml.indent(source) + new)]
