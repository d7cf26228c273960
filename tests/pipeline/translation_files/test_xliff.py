import pytest
from translate.storage.xliff import xlifffile
from translate.storage.xliff2 import Xliff2File

from pipeline.errors import UserError
from pipeline.translation_files.filling import fill
from pipeline.translation_files.xliff import read_xliff
from tests.translation_files import shouted

FIRST = """\
<?xml version="1.0" encoding="UTF-8"?>
<xliff version='1.2' xmlns="urn:oasis:names:tc:xliff:document:1.2">
 <file original="a.txt" source-language="en" target-language="de" datatype="plaintext"><body>
  <trans-unit id="1" ><source>Hello &amp; welcome, %s</source></trans-unit>
  <trans-unit id="2">
    <source>Read <g id="g1">the <x id='2' /> manual</g>.</source><target/>
    <note>A note.</note>
  </trans-unit>
  <trans-unit id="3"><source>Yes</source><target state="final">Ja</target></trans-unit>
  <trans-unit id="4"><source>No</source>
    <target xml:lang="de" state='needs-translation'>No</target></trans-unit>
  <trans-unit id="5" translate="no"><source>nmt</source></trans-unit>
  <trans-unit id="6"><source>Press <bpt id="1">&lt;b></bpt>Enter<ept id="1">&lt;/b></ept></source>
    <target></target><alt-trans><target>Drücken</target></alt-trans></trans-unit>
 </body></file>
</xliff>
"""
SECOND = """\
<xliff version="2.0" xmlns="urn:oasis:names:tc:xliff:document:2.0" srcLang="en" trgLang="de">
<file id="f1">
<unit id="1"><segment><source>Hello <pc id="1">you</pc></source></segment></unit>
<unit id="2"><segment id="a" state="final"><source>Yes</source><target>Ja</target></segment>
<segment id="b" state="initial"><source>No</source><target>No</target></segment></unit>
<unit id="3" translate="no"><segment><source>nmt</source></segment></unit>
</file></xliff>
"""


def filled(text: str, fuzzy: bool = False, encoding: str = "utf-8") -> str:
    document = read_xliff("de.xlf", text.encode(encoding), ("en", "de"))
    return fill(document, shouted, fuzzy=fuzzy).content.decode(encoding)


def test_the_first_version_is_filled_in_its_places() -> None:
    review = 'state="needs-review-translation"'
    expected = (
        FIRST.replace(
            "%s</source>", f"%s</source><target {review}>HELLO &amp; WELCOME, %s</target>"
        )
        .replace(
            "<target/>", f"<target {review}>READ <g id=\"g1\">THE <x id='2' /> MANUAL</g>.</target>"
        )
        .replace(
            "<target></target>",
            f'<target {review}>PRESS <bpt id="1">&lt;b></bpt>'
            'ENTER<ept id="1">&lt;/b></ept></target>',
        )
    )
    assert filled(FIRST) == expected
    again = filled(FIRST, fuzzy=True)
    assert again == expected.replace(
        "state='needs-translation'>No", 'state="needs-review-translation">NO'
    )
    units = {
        unit.xmlelement.get("id"): unit for unit in xlifffile.parsestring(again.encode()).units
    }
    assert units["1"].target == "HELLO & WELCOME, %s"
    assert all(units[name].isreview() for name in ("1", "2", "4", "6"))


def test_the_second_version_is_filled_in_its_places() -> None:
    expected = SECOND.replace(
        "<segment><source>Hello <pc id=\"1\">you</pc></source>",
        '<segment state="initial"><source>Hello <pc id="1">you</pc></source>'
        '<target>HELLO <pc id="1">YOU</pc></target>',
    )  # fmt: skip
    assert filled(SECOND) == expected
    again = filled(SECOND, fuzzy=True)
    assert again == expected.replace("<target>No", "<target>NO")
    assert [unit.isfuzzy() for unit in Xliff2File.parsestring(again.encode()).units] == [
        True, False, True, False,
    ]  # fmt: skip


def test_files_of_the_toolkit_are_filled() -> None:
    for store_class in (xlifffile, Xliff2File):
        store = store_class()
        for number in range(20):
            store.addsourceunit(f"Number {number} < {{x}} & “more”")
        made = bytes(store).decode()
        units = store_class.parsestring(filled(made).encode()).units
        assert [unit.target for unit in units] == [unit.source.upper().replace("{X}", "{x}")
                                                   for unit in store.units]  # fmt: skip


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_is_not_filled_stays_byte_for_byte(newline: str, encoding: str) -> None:
    text = filled(FIRST, fuzzy=True).replace("\n", newline)
    text = text.replace("UTF-8", encoding.upper())
    assert filled(text, encoding=encoding) == text
    mixed = FIRST.replace("\n", newline).replace("UTF-8", encoding.upper())
    assert filled(mixed, fuzzy=True, encoding=encoding) == text


def test_a_tag_that_cannot_be_put_back_is_a_reason() -> None:
    text = FIRST.replace("Hello &amp; welcome", "&lt;g id='1'> <g id='1'>x</g>")
    document = read_xliff("de.xlf", text.encode(), ("en", "de"))
    result = fill(document, shouted)
    assert result.left == [(4, "placeholder or tag lost")]
    assert result.counts["filled"] == 2


ENTITY = (
    '<!DOCTYPE xliff [<!ENTITY x SYSTEM "file:///etc/hostname">]><xliff version="1.2">&x;</xliff>'
)
BOMB = (
    '<!DOCTYPE xliff [<!ENTITY a0 "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    + "]><xliff>&a8;</xliff>"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FIRST.replace("</body>", ""), "Line 15 of de.xlf is not well-formed XML .mismatched tag"),
        ("", "Line 1 of de.xlf is not well-formed XML .no element found"),
        ("<a/>", "root <a>, but <xliff> is needed"),
        (ENTITY, "Line 1 of de.xlf declares an entity in another file"),
        (BOMB, "Line 1 of de.xlf is not well-formed XML .limit on input amplification"),
        ("<xliff>" + "<group>" * 100_000, "Line 1 of de.xlf has more than 200 elements within"),
        (FIRST.replace("UTF-8", "NONE"), "unknown encoding, 'NONE'"),
        (FIRST.replace("UTF-8", "ASCII"), "Line 14 of de.xlf is not ASCII"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_sentence(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_xliff("de.xlf", text.encode(), ("en", "de"))
