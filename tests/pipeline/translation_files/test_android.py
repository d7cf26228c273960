import pytest
from translate.storage.aresource import AndroidResourceFile

from pipeline.errors import UserError
from pipeline.translation_files.android import read_android
from pipeline.translation_files.filling import fill
from tests.translation_files import shouted

FILE = r"""<?xml version="1.0" encoding="utf-8"?>
<!-- Made by hand. -->
<resources xmlns:xliff="urn:oasis:names:tc:xliff:document:1.2">
    <string name="hello">Don\'t say \"hello\" to <xliff:g id="who">%1$s</xliff:g>!</string>
    <string name="html"><![CDATA[Read <b>this</b> & that]]></string>
    <string name="key" translatable="false">abc</string>
    <string name="same">@string/hello</string>
    <color name="red">#f00</color>
    <plurals name="files">
        <item quantity="one">%d file</item>
        <item quantity="other">%d files</item>
    </plurals>
    <string-array name="days"><item>Monday</item><item>Tuesday</item></string-array>
</resources>
"""


def test_the_copy_has_the_plural_categories_of_its_language() -> None:
    content = fill(read_android("strings.xml", FILE.encode(), ("en", "pl")), shouted).content
    assert content.decode() == FILE.replace("Don", "DON").replace(r"\'t say", r"\'T SAY").replace(
        r"\"hello\" to", r"\"HELLO\" TO"
    ).replace("Read <b>this</b> & that", "READ <b>THIS</b> & THAT").replace(
        """one">%d file</item>
        <item quantity="other">%d files""",
        """one">%d FILE</item>
        <item quantity="few">%d FILES</item>
        <item quantity="many">%d FILES</item>
        <item quantity="other">%d FILES""",
    ).replace("Monday", "MONDAY").replace("Tuesday", "TUESDAY")
    store = AndroidResourceFile.parsestring(content)
    assert store.units[0].target.startswith('DON\'T SAY "HELLO" TO <xliff:g')


def test_entries_have_their_keys() -> None:
    entries = read_android("strings.xml", FILE.encode(), ("en", "de")).entries
    assert [(entry.context, entry.line) for entry in entries] == [
        ("hello", 4), ("html", 5), ("key", 6), ("same", 7), ("files", 9), ("days[0]", 13),
        ("days[1]", 13),
    ]  # fmt: skip
    assert entries[4].sources == ("%d file", "%d files")


def test_another_xml_file_is_named() -> None:
    with pytest.raises(UserError, match="a.xml is XML with the root <html>, but <resources>"):
        read_android("a.xml", b"<html/>", ("en", "de"))
