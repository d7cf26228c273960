from pipeline.translation_files.filling import fill
from pipeline.translation_files.ts import read_ts
from tests.translation_files import shouted

FILE = """\
<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="pl" sourcelanguage="en">
<context>
    <name>MainWindow</name>
    <message>
        <location filename="../main.cpp" line="12"/>
        <source>&amp;Don&apos;t save</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>%n file(s)</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform>%n pliki</numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>Yes</source>
        <translation>Tak</translation>
    </message>
    <message>
        <source>No</source>
        <translation type="unfinished">Nie</translation>
    </message>
    <message>
        <source>Old</source>
        <translation type="vanished">Stary</translation>
    </message>
</context>
</TS>
"""


def test_empty_messages_and_forms_are_filled_and_stay_unfinished() -> None:
    document = read_ts("pl.ts", FILE.encode(), ("en", "pl"))
    assert [entry.state for entry in document.entries] == [
        "untranslated", "untranslated", "translated", "fuzzy", "obsolete",
    ]  # fmt: skip
    assert document.entries[0].context == "MainWindow"
    expected = FILE.replace(
        '"unfinished"></translation>', '"unfinished">&amp;DON&apos;T SAVE</translation>'
    ).replace("<numerusform></numerusform>", "<numerusform>%n FILE(S)</numerusform>")
    assert fill(document, shouted).content.decode() == expected
    again = fill(document, shouted, fuzzy=True).content.decode()
    assert again == expected.replace(">Nie<", ">NO<")


def test_a_message_without_a_translation_gets_one() -> None:
    text = FILE.replace('        <translation type="unfinished">Nie</translation>\n', "")
    content = fill(read_ts("pl.ts", text.encode(), ("en", "pl")), shouted).content.decode()
    assert '<source>No</source>\n        <translation type="unfinished">NO</translation>' in content
