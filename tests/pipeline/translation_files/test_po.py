import shutil
import subprocess
from pathlib import Path

import pytest
from translate.storage.pypo import pofile

from pipeline.errors import UserError
from pipeline.translation_files.entries import Document
from pipeline.translation_files.filling import fill
from pipeline.translation_files.po import read_po
from tests.translation_files import shouted

HEADER = """\
# A comment of the header.
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset={charset}\\n"
"Plural-Forms: {plural}\\n"

"""
GERMAN = "nplurals=2; plural=(n != 1);"
RUSSIAN = (
    "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20)"
    " ? 1 : 2);"
)
BODY = """\
#. For the menu.
#: src/main.c:12
#, c-format
msgid "Open %s"
msgstr ""

# By hand.
msgid "Close"
msgstr "Schließen"

#, fuzzy
#| msgid "Save all"
msgid "Save"
msgstr "Alle speichern"

msgctxt "month"
msgid "May"
msgstr ""

#, c-format
msgid "one file"
msgid_plural "%d files"
msgstr[0] ""
msgstr[1] ""

#~ msgid "Old"
#~ msgstr "Alt"
"""


def header(language: str = "de", charset: str = "UTF-8", plural: str = GERMAN) -> str:
    return HEADER.format(language=language, charset=charset, plural=plural)


def document(text: str, encoding: str = "utf-8") -> Document:
    return read_po("de.po", text.encode(encoding), ("en", "de"))


def filled(text: str, fuzzy: bool = False) -> str:
    return fill(document(text), shouted, fuzzy=fuzzy).content.decode()


def test_the_entries_say_what_became_of_them() -> None:
    states = {entry.sources[0]: entry.state for entry in document(header() + BODY).entries}
    assert states == {
        "Open %s": "untranslated",
        "Close": "translated",
        "Save": "fuzzy",
        "May": "untranslated",
        "one file": "untranslated",
        "Old": "obsolete",
    }


def test_only_empty_entries_are_filled_and_marked_as_fuzzy() -> None:
    expected = (
        BODY.replace('#, c-format\nmsgid "O', '#, fuzzy, c-format\nmsgid "O')
        .replace('"Open %s"\nmsgstr ""', '"Open %s"\nmsgstr "OPEN %s"')
        .replace('msgctxt "month"\nmsgid "May"\nmsgstr ""', '#, fuzzy\nmsgctxt "month"\nmsgid "May"'
                 '\nmsgstr "MAY"')
        .replace('#, c-format\nmsgid "one', '#, fuzzy, c-format\nmsgid "one')
        .replace('msgstr[0] ""\nmsgstr[1] ""', 'msgstr[0] "ONE FILE"\nmsgstr[1] "%d FILES"')
    )  # fmt: skip
    assert filled(header() + BODY) == header() + expected


def test_fuzzy_entries_are_filled_where_asked() -> None:
    assert 'msgid "Save"\nmsgstr "SAVE"\n' in filled(header() + BODY, fuzzy=True)
    assert filled(header() + BODY, fuzzy=True).count("fuzzy") == 4


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_stay(newline: str, mark: str) -> None:
    text = mark + (header() + BODY).replace("\n", newline)
    assert filled(text) == mark + filled(header() + BODY).replace("\n", newline)


def test_a_file_without_anything_to_fill_stays_byte_for_byte() -> None:
    text = header() + '#, fuzzy\nmsgid   "a"\nmsgstr "b"\n\n\n#~ msgid "c"\n#~ msgstr ""\n  \n# end'
    assert filled(text) == text
    for text in ("", "\n", "# Only a comment.\n", header()):
        assert filled(text) == text


def test_a_last_line_without_an_end_gets_none() -> None:
    assert filled(header() + 'msgid "a"\nmsgstr ""').endswith('msgid "a"\nmsgstr "A"')


def test_every_plural_form_of_the_language_is_filled() -> None:
    text = header("ru", plural=RUSSIAN) + (
        'msgid "One file"\nmsgid_plural "%d files"\nmsgstr[0] ""\nmsgstr[1] ""\n\n'
        'msgid "%d byte"\nmsgid_plural "%d bytes"\n'
        'msgstr[0] "%d байт"\nmsgstr[1] ""\nmsgstr[2] ""\n'
    )
    # Form 0 is for 21, too, so it must name the number. A translated form stays.
    assert filled(text).endswith(
        'msgstr[0] "%d FILES"\nmsgstr[1] "%d FILES"\nmsgstr[2] "%d FILES"\n\n#, fuzzy\n'
        'msgid "%d byte"\nmsgid_plural "%d bytes"\n'
        'msgstr[0] "%d байт"\nmsgstr[1] "%d BYTES"\nmsgstr[2] "%d BYTES"\n'
    )


def test_a_plural_without_a_form_for_one_is_read_by_its_plural() -> None:
    text = header("ja", plural="nplurals=1; plural=0;") + (
        'msgid "one file"\nmsgid_plural "%d files"\nmsgstr[0] "%d ファイル"\n'
    )
    [entry] = document(text).entries
    assert (entry.sources, entry.targets) == (("%d files",), ("%d ファイル",))


def test_a_character_missing_in_the_encoding_is_a_reason() -> None:
    text = header(charset="ISO-8859-1") + 'msgid "ÿ"\nmsgstr ""\n\nmsgid "ä"\nmsgstr ""\n'
    result = fill(document(text, "latin-1"), shouted)  # Ÿ is not in ISO-8859-1
    assert result.content.decode("latin-1").endswith('msgid "ä"\nmsgstr "Ä"\n')
    assert result.left == [(8, "not in ISO-8859-1")]


def test_a_file_of_an_old_encoding_stays_in_it() -> None:
    text = header("cs", charset="ISO-8859-2") + (
        'msgid "Close"\nmsgstr "Zavřít"\n\nmsgid "ž"\nmsgstr ""\n'
    )
    result = fill(document(text, "iso-8859-2"), shouted)
    expected = text.replace('msgid "ž"\nmsgstr ""', '#, fuzzy\nmsgid "ž"\nmsgstr "Ž"')
    assert result.content == expected.encode("iso-8859-2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('msgid "a"\nmsgstr "b\n', "Line 2 of de.po is no PO"),
        ("Hello there.\n", "Line 1 of de.po is no PO"),
        (header(charset="nonsense"), "de.po names an unknown encoding, 'nonsense'"),
        (header() + 'msgid "a"\nmsgstr "\xe4"\n', "Line 9 of de.po is not UTF-8, but probably W"),
    ],
)
def test_a_file_that_is_no_po_is_a_sentence(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        document(text, "latin-1")


def test_msgfmt_accepts_200_filled_entries(tmp_path: Path) -> None:
    if shutil.which("msgfmt") is None:
        pytest.skip("msgfmt is not installed (Debian, Ubuntu: apt install gettext)")
    store = pofile()
    for number in range(200):
        store.addsourceunit(
            f'Delete "{number}" of %s,\nor keep all of the files?\n' * (number % 4 + 1)
        )
        store.units[-1].settypecomment("c-format")
    made = bytes(store).decode()
    text = header() + made[made.index("#, c-format") :]
    path = tmp_path / "de.po"
    path.write_text(filled(text), encoding="utf-8")
    unmarked = path.read_text(encoding="utf-8").replace("fuzzy, ", "")
    assert unmarked.count('msgstr ""\n"DELETE') == 200
    for content in (path.read_text(encoding="utf-8"), unmarked):
        path.write_text(content, encoding="utf-8")
        subprocess.run(["msgfmt", "-c", "-o", str(tmp_path / "de.mo"), str(path)], check=True)
    assert read_po("de.po", path.read_bytes(), ("en", "de")).entries[7].state == "translated"
