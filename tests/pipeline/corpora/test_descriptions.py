import pytest

from pipeline.corpora.descriptions import (
    Block,
    blocks,
    join_descriptions,
    parse_descriptions,
    parse_sources,
)

ENGLISH = """\
Package: pad
Description-md5: 01
Description-en: sticky notes
 Pad shows notes on the screen. It is a small program.
 .
 It can:
  * print notes on
    paper
  * save them
 .
   pad --help

Package: other
Description-md5: 02
Description-en: another program
 Nobody translated it.

Package: zebra
Description-md5: 03
Description-en: striped window manager
 A window manager that draws stripes.
"""
GERMAN = """\
Package: zebra
Description-md5: 03
Description-de: gestreifter Fenstermanager
 <trans>

Package: pad
Description-md5: 01
Description-de: Haftnotizen
 Pad zeigt Notizen auf dem Bildschirm. Es ist ein kleines Programm.
 .
 Es kann:
  - Notizen auf Papier
    drucken
  - sie speichern
 .
   pad --help
"""


def pairs_of(english: str, german: str) -> tuple[dict[str, list[tuple[str, str]]], dict[str, int]]:
    joined, dropped = join_descriptions(
        parse_descriptions(english.splitlines(), "en"),
        parse_descriptions(german.splitlines(), "de"),
        ("en", "de"),
    )
    return {entry.package: list(entry.pairs) for entry in joined}, dict(dropped)


def one_package(synopsis: str, language: str, *body: str) -> str:
    lines = [f" {line}" for line in body]
    return "\n".join(
        ["Package: p", "Description-md5: 1", f"Description-{language}: {synopsis}", *lines]
    )


def test_descriptions_are_found_by_their_checksum() -> None:
    found = parse_descriptions(ENGLISH.splitlines(), "en")
    assert list(found) == ["01", "02", "03"]
    assert found["02"].package == "other"
    assert found["02"].synopsis == "another program"
    assert found["02"].body == ("Nobody translated it.",)


def test_another_language_is_not_mistaken_for_the_one_asked_for() -> None:
    assert parse_descriptions(GERMAN.splitlines(), "fr") == {}


def test_the_source_package_is_known_without_its_version() -> None:
    lines = ["Package: a", "Source: s (1.0)", "", "Package: b", "", "Package: c", "Source: t"]
    assert parse_sources(lines) == {"a": "s", "c": "t"}


def test_languages_are_joined_by_sentence_and_by_item() -> None:
    pairs, _ = pairs_of(ENGLISH, GERMAN)
    assert pairs["pad"] == [
        ("sticky notes", "Haftnotizen"),
        ("Pad shows notes on the screen.", "Pad zeigt Notizen auf dem Bildschirm."),
        ("It is a small program.", "Es ist ein kleines Programm."),
        ("It can:", "Es kann:"),
        ("print notes on paper", "Notizen auf Papier drucken"),
        ("save them", "sie speichern"),
    ]


def test_what_is_not_translated_in_full_is_dropped_and_counted() -> None:
    pairs, dropped = pairs_of(ENGLISH, GERMAN)
    assert pairs["zebra"] == [("striped window manager", "gestreifter Fenstermanager")]
    assert dropped == {"unfinished translation": 1}


def test_a_list_that_only_one_side_has_does_not_cost_the_paragraphs() -> None:
    pairs, dropped = pairs_of(
        one_package(
            "tool", "en", "It does this:", " * one thing", " * more", ".", "And it is fast."
        ),
        one_package("Werkzeug", "de", "Es tut dies:", ".", "Und es ist schnell."),
    )
    assert pairs["p"][1:] == [
        ("It does this:", "Es tut dies:"),
        ("And it is fast.", "Und es ist schnell."),
    ]
    assert dropped == {"paragraphs do not correspond": 2}


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("Noto Sans Thai", "Noto Sans Thai", "untranslated"),
        ("threads,", "Threads", "untranslated"),
        ("1.0 - 2.0", "1.0 bis 2.0", "no letters"),
        ("word " * 61, "Wort " * 59, "more than 60 words"),
        ("a tool", "ein Werkzeug, das sehr viele Dinge auf einmal tut", "length ratio"),
        ("a tool", "<trans>", "unfinished translation"),
    ],
)
def test_a_pair_that_teaches_nothing_is_dropped_with_its_reason(
    source: str, target: str, reason: str
) -> None:
    pairs, dropped = pairs_of(
        one_package("a description to tell the usual length by", "en", source),
        one_package("eine Beschreibung, die übliche Länge zu zeigen", "de", target),
    )
    assert dropped == {reason: 1}
    assert len(pairs["p"]) == 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (["one", "paragraph", ".", "two"], [("paragraph", "one paragraph"), ("paragraph", "two")]),
        ([" * a", " * b"], [("item", "a"), ("item", "b")]),
        ([" — a;", "   and more", " 2. b"], [("item", "a; and more"), ("item", "b")]),
        (["* a", "* b"], [("item", "a"), ("item", "b")]),
        (["a dash", "- in the middle"], [("paragraph", "a dash - in the middle")]),
        (["cross-", "platform"], [("paragraph", "cross-platform")]),
        (["Text-", "und Bildverarbeitung"], [("paragraph", "Text- und Bildverarbeitung")]),
        (["これは", "ペンです。"], [("paragraph", "これはペンです。")]),
        (["see:", "  $ command --option"], [("paragraph", "see:")]),
        (["  spaced   words"], []),
        (["spaced   words"], [("paragraph", "spaced words")]),
        ([], []),
    ],
)
def test_wrapped_lines_become_blocks(body: list[str], expected: list[tuple[str, str]]) -> None:
    assert [(block.kind, block.text) for block in blocks(body)] == expected


def test_a_block_is_on_one_line() -> None:
    assert blocks(["one", "two"]) == [Block("paragraph", "one two")]
