import pytest

from pipeline.corpora.packages.cleaning import clean_pairs
from text.sentences import LengthRatio

LANGUAGES = ("en", "de")
RATIO = LengthRatio(1.1)


def test_a_paragraph_becomes_sentences() -> None:
    pairs, _ = clean_pairs([("Run it. It ends.", "Starten. Es endet.")], LANGUAGES, RATIO)
    assert pairs == [("Run it.", "Starten."), ("It ends.", "Es endet.")]


def test_tags_that_format_text_go_and_others_stay() -> None:
    text = [("<b>Hello</b>  <name>!", "<b>Hallo</b>\n<name>!")]
    assert clean_pairs(text, LANGUAGES, RATIO)[0] == [("Hello <name>!", "Hallo <name>!")]


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (("Open", "Open!"), "untranslated"),
        (("Open %s", "Öffnen"), "placeholders differ"),
        (("Open --all", "Öffnen --alle"), "placeholders differ"),
        (("Open", "..."), "no letters"),
        (("x += (1 + 2) * 3;", "y += (1 + 2) * 3;"), "mostly signs"),
        (("The file of the other user", "The file of the andere user"), "mostly untranslated"),
        (("Open", "Öffnen Sie jetzt bitte sofort diese Datei"), "length ratio"),
        (("word " * 70, "Wort " * 70), "more than 60 words"),
    ],
)
def test_what_is_no_translation_is_dropped_and_counted(pair: tuple, reason: str) -> None:
    assert clean_pairs([pair], LANGUAGES, RATIO) == ([], {reason: 1})


def test_a_pair_is_kept_once() -> None:
    pairs, dropped = clean_pairs([("Open", "Öffnen")] * 3, LANGUAGES, RATIO)
    assert (pairs, dropped) == ([("Open", "Öffnen")], {"duplicate": 2})
