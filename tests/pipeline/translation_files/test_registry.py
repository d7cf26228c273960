"""Round trips of all formats: files of the toolkit, and files in which nothing is translated."""

import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from translate.storage.aresource import AndroidResourceFile
from translate.storage.csvl10n import csvfile
from translate.storage.jsonl10n import JsonFile, JsonNestedFile
from translate.storage.pypo import pofile
from translate.storage.tmx import tmxfile
from translate.storage.ts2 import tsfile
from translate.storage.xliff import xlifffile
from translate.storage.xliff2 import Xliff2File

from pipeline.errors import UserError
from pipeline.translation_files.entries import Document
from pipeline.translation_files.filling import fill
from pipeline.translation_files.registry import FORMATS, format_of
from tests.translation_files import shouted

ROOT = Path(__file__).resolve().parents[3]
TEXTS = ["Hello, world!", 'Tom & Jerry\'s <b>"big"</b> day', "Line one\nLine two", "100 % of %s"]
MADE = {
    "a.po": pofile,
    "a.xlf": xlifffile,
    "b.xliff": Xliff2File,
    "a.ts": tsfile,
    "a.csv": csvfile,
    "a.tmx": tmxfile,
}


def read(name: str, data: bytes) -> Document:
    form = format_of(name)
    assert form
    return form.read(name, data, ("en", "de"))


def made(name: str, targets: Sequence[str] = ()) -> bytes:
    """Returns a file of the toolkit with all texts, the first of them translated."""
    store = MADE[name]()
    if name == "a.ts":
        store.settargetlanguage("de")
    for text in TEXTS:
        unit = store.addsourceunit(text)
        unit.target = ""
    for unit, target in zip(store.units[-len(TEXTS) :], targets, strict=False):
        unit.settarget(target, "de") if name == "a.tmx" else setattr(unit, "target", target)
    return bytes(store)


@pytest.mark.parametrize("name", MADE)
def test_a_file_of_the_toolkit_is_filled_as_the_toolkit_reads_it(name: str) -> None:
    document = read(name, made(name, ["Hallo, Welt!"]))
    assert [entry.state for entry in document.entries] == ["translated", *["untranslated"] * 3]
    result = fill(document, shouted)
    store = MADE[name].parsestring(result.content)
    if name == "a.tmx":
        store.settargetlanguage("de")
    units = {unit.source: unit.target for unit in store.units if unit.source in TEXTS}
    assert units == {
        "Hello, world!": "Hallo, Welt!",
        TEXTS[1]: 'TOM & JERRY\'S <b>"BIG"</b> DAY',
        TEXTS[2]: "LINE ONE\nLINE TWO",
        TEXTS[3]: "100 % OF %s",
    }
    assert result.counts == {"translated": 1, "filled": 3}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_a_translated_file_stays_byte_for_byte(name: str, newline: bytes) -> None:
    data = made(name, ["eins", "zwei", "drei", "vier"]).replace(b"\r\n", b"\n")
    data = data.replace(b"\n", newline)
    assert fill(read(name, data), shouted).content == data


@pytest.mark.parametrize("name", [name for name in MADE if name != "a.csv"])
def test_what_was_filled_needs_review_and_is_never_taken_for_done(name: str) -> None:
    once = fill(read(name, made(name)), shouted).content
    document = read(name, once)
    assert {entry.state for entry in document.entries} == {"fuzzy"}
    assert fill(document, shouted).content == once
    assert fill(document, shouted, fuzzy=True).content == once


def test_the_files_in_one_language_come_out_translated() -> None:
    for store_class in (JsonFile, JsonNestedFile):
        store = store_class()
        for number, text in enumerate(TEXTS):
            unit = store.addsourceunit(text)
            unit.setid(f"menu.{number}")
            unit.target = text
        content = fill(read("a.json", bytes(store)), shouted).content
        values = json.loads(content)
        found = values["menu"].values() if "menu" in values else values.values()
        assert list(found)[2:] == ["LINE ONE\nLINE TWO", "100 % OF %s"]
    store = AndroidResourceFile()
    for number, text in enumerate(TEXTS):
        unit = store.UnitClass(text)
        store.addunit(unit)
        unit.setid(f"text_{number}")
        unit.target = text
    content = fill(read("strings.xml", bytes(store)), shouted).content
    assert [unit.target for unit in AndroidResourceFile.parsestring(content).units] == [
        "HELLO, WORLD!", "TOM & JERRY'S <b>\"BIG\"</b> DAY", "LINE ONE\nLINE TWO", "100 % OF %s",
    ]  # fmt: skip


def test_the_pages_of_this_project_keep_all_that_is_no_text() -> None:
    """What is left of a page without its letters is the same after the translation to capitals."""
    for path in [*ROOT.glob("docs/*.md"), *ROOT.glob("*.md"), *ROOT.glob("serving/web/**/*.html")]:
        data = path.read_bytes()
        result = fill(read(path.name, data), shouted)
        assert result.counts["filled"] > 3
        assert not result.left, path
        before, after = (" ".join(text.decode().upper().split()) for text in (data, result.content))
        if path.suffix == ".md":
            assert before == after, path


SAMPLES = {name: made(name, ["eins"]) for name in MADE} | {
    "a.json": b'{"a": ["b \\"c\\"", 1], "d": {"e": "f"}}',
    "a.xml": b'<resources><string name="a">b <i>c</i></string></resources>',
    "a.srt": b"1\n00:00:01,000 --> 00:00:02,000\nA\nb\n",
    "a.html": b'<p title="x">a <b>b</b><!-- c --><script>d</script>',
    "a.md": b"# A\n\n- b `c` [d](e)\n\n| f | g |\n|---|---|\n",
}


@pytest.mark.parametrize("name", SAMPLES)
@given(cut=st.tuples(st.integers(0, 2000), st.integers(0, 9)), new=st.binary(max_size=9))
def test_a_damaged_file_is_a_sentence_or_keeps_its_bytes(
    name: str, cut: tuple[int, int], new: bytes
) -> None:
    data = SAMPLES[name]
    start = cut[0] % (len(data) + 1)
    data = data[:start] + new + data[start + cut[1] :]
    with contextlib.suppress(UserError):
        document = read(name, data)
        assert document.edited([]) == data
        fill(document, shouted)


def test_an_ending_belongs_to_one_format() -> None:
    suffixes = [suffix for form in FORMATS for suffix in form.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert format_of("a.docx") is None
    assert format_of("DE.PO") is FORMATS[0]


@pytest.mark.parametrize("name", ["a.po", "a.xlf", "a.tmx", "a.ts", "a.xml"])
def test_without_the_toolkit_a_sentence_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for module in list(sys.modules):
        if module.startswith(("translate.", "pipeline.translation_files.")):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "translate", None)
    with pytest.raises(UserError, match=f"{name} is read by .* the extra 'files'"):
        read(name, b"")


def test_without_the_toolkit_other_formats_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "translate", None)
    assert read("a.json", b'{"hello": "Hello"}').entries
