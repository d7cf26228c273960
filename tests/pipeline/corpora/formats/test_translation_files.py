from pathlib import Path

import pytest

from pipeline.corpora.formats.finding import aligned_files, find_text
from pipeline.corpora.formats.text_file import Reading
from pipeline.corpora.formats.translation_files import partners
from pipeline.errors import UserError

PO = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgctxt "menu|file"
msgid "Open\\n"
"the file"
msgstr "Die Datei\\n"
"öffnen"

#, fuzzy
msgid "Save"
msgstr "Sichern"

msgid "Empty"
msgstr ""

msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d Datei"
msgstr[1] "%d Dateien"

#~ msgid "Old"
#~ msgstr "Alt"
"""
Found = dict[str, list[tuple[list[str], str]]]


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def found(path: Path, features: tuple[str, ...] = ()) -> Found:
    reading = Reading(features=features)
    return {
        text.name: [(list(cells), *reason) for _, cells, *reason in text.read(reading)]
        for text in find_text(path, reading)[0]
    }  # type: ignore[misc]


def test_a_po_file_gives_its_translations_and_reasons_for_the_rest(tmp_path: Path) -> None:
    folder = put(tmp_path, {"app/de.po": PO.format(language="de")})
    assert found(folder / "app/de.po", ("file", "context")) == {
        "de.po": [
            (["Open the file", "Die Datei öffnen", "app/de.po", "menu|file"], ""),
            (["Save"], "fuzzy"),
            (["Empty"], "untranslated"),
            (["%d file", "%d Datei", "app/de.po", ""], ""),
            (["%d files", "%d Dateien", "app/de.po", ""], ""),
            (["Old"], "obsolete"),
        ]
    }


def test_another_feature_is_named(tmp_path: Path) -> None:
    folder = put(tmp_path, {"de.po": PO.format(language="de")})
    with pytest.raises(UserError, match="de.po has no feature 'domain', but file and context"):
        found(folder, ("domain",))


def test_files_in_other_languages_are_left_out(tmp_path: Path) -> None:
    one = PO.replace('"Language: {language}\\n"\n', "")
    folder = put(
        tmp_path,
        {
            "a/de_AT.po": PO.format(language="de_AT"),
            "a/other.po": PO.format(language="fr"),
            "a/pt.po": "damaged",
            "b/de.po": one,
            "b/fr.po": one,
            "locale/pt/LC_MESSAGES/app.po": one,
        },
    )
    reasons = {name: records[0][-1] for name, records in found(folder).items()}
    assert reasons == {
        "de_AT.po": "",
        "other.po": "in another language",
        "pt.po": "in another language",
        "de.po": "",
        "fr.po": "in another language",
        "app.po": "in another language",
    }


def test_files_of_one_name_are_told_by_their_folder(tmp_path: Path) -> None:
    text = PO.format(language="de")
    assert list(found(put(tmp_path, {"a/de.po": text, "b/de.po": text}))) == ["a/de.po", "b/de.po"]


ANDROID = '<resources><string name="{0}">{1}</string></resources>'


def test_files_in_one_language_are_paired_by_their_paths_and_keys(tmp_path: Path) -> None:
    folder = put(
        tmp_path,
        {
            "en.json": '{"a": "Yes", "b": {"c": "No"}, "d": "More"}',
            "de.json": '{"b": {"c": "Nein"}, "a": "Ja"}',
            "res/values/strings.xml": ANDROID.format("x", "One"),
            "res/values-de/strings.xml": ANDROID.format("x", "Eins"),
            "docs/a.md": "# Title\n\nText.\n\n```\nx\n```\n",
            "docs/a.de.md": "# Titel\n\nEin\nText.\n",
            "docs/b.md": "# Title\n",
            "docs/de/b.md": "Titel\n",
            "film.en.srt": "1\n00:00:01,000 --> 00:00:02,000\nHello,\nyou!\n",
            "film.de.srt": "1\n00:00:01,000 --> 00:00:03,000\nHallo!\n",
            "alone.html": "<p>Alone</p>",
        },
    )
    assert found(folder) == {
        "a.md + a.de.md": [(["Title", "Titel"], ""), (["Text.", "Ein Text."], "")],
        "b.md + b.md": [(["Title"], "in a file of another structure than its partner")],
        "en.json + de.json": [
            (["Yes", "Ja"], ""),
            (["No", "Nein"], ""),
            (["More"], "without a partner"),
        ],
        "film.en.srt + film.de.srt": [(["Hello, you!", "Hallo!"], "")],
        "strings.xml + strings.xml": [(["One", "Eins"], "")],
    }
    assert find_text(folder, Reading())[1] == ["alone.html"]
    text = aligned_files(folder / "en.json", folder / "de.json")
    assert next(iter(text.read(Reading())))[1] == ["Yes", "Ja"]


@pytest.mark.parametrize(
    ("names", "languages", "pairs"),
    [
        (["app_en.arb", "app_de.arb", "app_fr.arb"], ("en", "de"), [("app_en.arb", "app_de.arb")]),
        (["values/s.xml", "values-pt-rBR/s.xml"], ("en", "pt-BR"),
         [("values/s.xml", "values-pt-rBR/s.xml")]),
        (["en/a.md", "de/a.md"], ("en", "de"), [("en/a.md", "de/a.md")]),
        (["a.md", "de/a.md"], ("en", "de"), [("a.md", "de/a.md")]),
        (["index.html", "pt.html", "pt/index.html"], ("en", "pt-BR"),
         [("index.html", "pt/index.html")]),
        (["decode.md", "en.code.md", "den.md"], ("en", "de"), []),
    ],
)  # fmt: skip
def test_partners_differ_in_the_language_only(
    names: list[str], languages: tuple[str, str], pairs: list[tuple[str, str]]
) -> None:
    assert partners(names, languages) == pairs


def test_a_file_is_not_taken_for_lines(tmp_path: Path) -> None:
    folder = put(tmp_path, {"en.po": PO, "de.po": PO, "a.md": "Hello\n", "b.po": "Hello\n"})
    with pytest.raises(UserError, match="en.po is PO, which holds both languages: give it with --"):
        aligned_files(folder / "en.po", folder / "de.po")
    with pytest.raises(UserError, match="a.md is Markdown, which holds one language: give it and"):
        find_text(folder / "a.md", Reading())
    with pytest.raises(UserError, match="Line 1 of .*/b.po is no PO"):
        found(folder / "b.po")
