import pytest
from hypothesis import given, strategies

from tests.any_text import strings
from text.sentences import (
    LengthRatio,
    align,
    sentence_spans,
    split_sentences,
    usual_ratio,
)

RATIO = LengthRatio(1.1)


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ["One sentence.", "Another one!", "A third?", "Yes."]),
        ("en", ["It reads images, e.g. PNG and JPEG.", "It writes them, too."]),
        ("en", ["Written by J. R. Smith.", "It is fast."]),
        ("en", ["Use version 1.2.3 of the library.", "Version 2 is worse."]),
        ("en", ['He said "stop."', "Then he went."]),
        ("en", ["It is small.", "(Very small.) And fast."]),
        ("en", ["The code is in libfoo.", "apt installs it."]),
        ("en", ["See README.Debian and ASP.NET for #!/bin/sh.", "Then go."]),
        ("en", ["1. First the cat.", "2. Then the dog."]),
        ("en", ["The U.S. president came at 5 p.m. with him."]),
        ("de", ["Siehe Abschnitt 3 (z. B. Abb. 2).", "Danach geht es mit Version 2. weiter."]),
        ("es", ["¿Qué tal?", "¡Bien!", "El Sr. López llegó."]),
        ("ru", ["Привет.", "Как дела?", "Т. е. хорошо."]),
        ("el", ["Τι κάνεις;", "Καλά."]),
        ("hi", ["यह एक वाक्य है।", "दूसरा वाक्य है।"]),
        ("ur", ["یہ ایک جملہ ہے۔", "دوسرا جملہ۔"]),
        ("ar", ["مرحبا بالعالم.", "كيف حالك؟"]),
        ("my", ["မင်္ဂလာပါ။", "နေကောင်းလား။"]),
        ("am", ["ሰላም።", "እንዴት ነህ?"]),
        ("ko", ["안녕하세요.", "반갑습니다."]),
        (None, ["Hello there.", "Who is it?"]),
        ("en", ["See fig. 3 and vol. II for more."]),
        ("en", ["It supports PDF, PS etc.", "More will come."]),
        ("de", ["Es liest Bilder, z.B. PNG.", "Es schreibt sie auch."]),
        ("de", ["Das ist u.a. Musik, d.h. Lieder bzw. Noten."]),
        ("de", ["Am 3. Oktober ist Feiertag.", "Danach nicht."]),
        ("de", ["Er sagte: »Halt!«", "Dann ging er."]),
        ("de", ["Öffnet Dateien.", "Ändert sie."]),
        ("fr", ["Il lit des images, p.ex. PNG.", "Élégant et rapide."]),
        ("ja", ["これはペンです。", "それは本です。"]),
        ("zh_CN", ["这是一个程序。"]),
    ],
)
def test_sentences_are_found_again_in_their_paragraph(language: str, sentences: list[str]) -> None:
    joint = "" if language in ("ja", "zh_CN") else " "
    assert split_sentences(joint.join(sentences), language) == sentences


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_has_no_sentences(text: str) -> None:
    assert split_sentences(text, "en") == []


def test_a_line_ends_a_sentence_and_spans_leave_out_white_space() -> None:
    text = "  A title\n\nIts text. \tMore \ud800 text.\r\n"
    spans = sentence_spans(text, "en")
    assert [text[start:end] for start, end in spans] == [
        "A title",
        "Its text.",
        "More \ud800 text.",
    ]


@pytest.mark.parametrize(
    ("source", "target", "accepted"),
    [
        ("short", "kurz", True),
        ("a" * 100, "b" * 110, True),
        ("a" * 100, "b" * 200, False),
        ("a" * 200, "b" * 100, False),
        ("tool", "ein nützliches Werkzeug", False),
    ],
)
def test_a_pair_is_judged_by_its_lengths(source: str, target: str, accepted: bool) -> None:
    assert LengthRatio(1.1).accepts(source, target) is accepted


def test_equal_lengths_cost_nothing_and_unequal_ones_more_and_more() -> None:
    ratio = LengthRatio(1.0)
    costs = [ratio.cost(50, target) for target in (50, 55, 65, 90)]
    assert costs == sorted(costs)
    assert costs[0] == 0


def test_as_many_sentences_are_aligned_one_by_one() -> None:
    assert align("Reads files. Writes them.", "Liest sie. Schreibt sie.", ("en", "de"), RATIO) == [
        ("Reads files.", "Liest sie."),
        ("Writes them.", "Schreibt sie."),
    ]


def test_a_sentence_that_became_two_is_aligned_with_both() -> None:
    source = "Xpad looks like paper notes and you can change how they look. It is a small program."
    target = (
        "Xpad sieht wie Papierzettel aus. Ihr Aussehen ist änderbar. Es ist ein kleines Programm."
    )
    assert align(source, target, ("en", "de"), RATIO) == [
        (
            "Xpad looks like paper notes and you can change how they look.",
            "Xpad sieht wie Papierzettel aus. Ihr Aussehen ist änderbar.",
        ),
        ("It is a small program.", "Es ist ein kleines Programm."),
    ]


def test_a_paragraph_whose_sentences_do_not_fit_stays_whole() -> None:
    source = "Yes. " + "A very long sentence about many things that nobody reads. " * 3 + "No."
    target = "Nein. Ja. So."
    assert align(source, target, ("en", "de"), RATIO) == [(source, target)]


LANGUAGES = strategies.sampled_from([None, "en", "de", "hi", "ja", "th", "zh_CN", "sr@latin", "xx"])


@given(strings, LANGUAGES)
def test_the_sentences_of_any_text_lose_only_white_space(text: str, language: str | None) -> None:
    end = 0
    for sentence in sentence_spans(text, language):
        assert end <= sentence[0] < sentence[1] <= len(text)
        assert not text[end : sentence[0]].strip()
        end = sentence[1]
    assert not text[end:].strip()


@given(strings, strings, LANGUAGES, LANGUAGES)
def test_any_two_texts_are_aligned_without_loss(
    source: str, target: str, ours: str | None, theirs: str | None
) -> None:
    pairs = align(source, target, (ours or "en", theirs or "de"), RATIO)
    for whole, parts in zip((source, target), zip(*pairs, strict=True), strict=True):
        assert "".join(" ".join(parts).split()) == "".join(whole.split())


def test_the_ratio_is_the_median_of_longer_texts() -> None:
    short = [("a", "b" * 90)] * 9
    assert usual_ratio([("x" * 20, "y" * 22), ("x" * 40, "y" * 48), ("x" * 20, "y" * 26)]) == 1.2
    assert usual_ratio(short) == 1.0
