import numpy as np
import pytest

from serving.contract.translation import Calibration, Translation
from serving.doubt.kinds import KINDS, measure
from tests.serving.doubt.made_up import answer

CALIBRATION = Calibration(surprise=3.5, length_ratio=1.2, limits=())


def doubt(kind: str, source: str, translation: Translation) -> float:
    return measure(KINDS[kind], source, translation, CALIBRATION)


def test_the_surprise_of_the_source_is_that_of_the_model() -> None:
    assert doubt("language", "Guten Tag", answer("Ein Paket")) == 3.5


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [("A", "", 1), ("Yes", ".", 1), ("?", "", 1), ("?", "?", 0), ("No", "Nein", 0), ("", "", 0)],
)
def test_an_answer_of_no_words_to_words_is_empty(source: str, text: str, expected: int) -> None:
    assert doubt("empty", source, answer(text)) == expected


def test_a_loop_counts_as_often_as_it_repeats() -> None:
    assert doubt("loop", "It has colours.", answer("die Farben die Farben die Farben")) == 3
    assert doubt("loop", "very very very", answer("sehr sehr sehr")) == 0
    assert doubt("loop", "It has colours.", answer("Es hat Farben.")) == 0


def test_a_loop_in_a_very_long_text_is_found_in_time() -> None:
    assert doubt("loop", "".join(map(str, range(200_000))), answer("ab" * 1_000_000)) == 1000


def test_the_share_of_unread_subwords_is_measured() -> None:
    source = "The old package is gone"
    assert doubt("unread", source, answer("Es ist fort", source, unread=2)) == pytest.approx(0.4)
    assert doubt("unread", source, answer("Das alte Paket ist fort", source)) == 0
    unread = KINDS["unread"].named
    assert unread
    assert unread(source, answer("Es ist fort", source, unread=2)) == ("The", "old")


def test_missing_numbers_are_counted() -> None:
    assert doubt("numbers", "at 12:30 and 640", answer("um 12:3")) == 2
    assert doubt("numbers", "1,000 files", answer("1.000 Dateien")) == 0


def test_an_answer_is_too_short_or_too_long_for_the_usual_ratio() -> None:
    source = "a" * 100
    usual, short, long = (doubt("length", source, answer("b" * size)) for size in (120, 40, 360))
    assert usual == 0
    assert short == pytest.approx(np.log(125 / 45))
    assert long == pytest.approx(np.log(365 / 125))


def test_changed_placeholders_are_counted_and_named() -> None:
    source = "Copy %s to <b>%d</b>"
    assert doubt("protected", source, answer("<b>Von</b> %s nach %d")) == 0
    assert doubt("protected", source, answer("<b>%d</b> von %i")) == 2
    assert doubt("protected", source, answer("<b>%d</b> von %s")) == 2  # in another order
    assert doubt("protected", source, answer("")) == 4
    named = KINDS["protected"].named
    assert named
    assert named(source, answer("<b>%d</b> von %i")) == ["missing %s", "added %i"]


def test_a_low_score_is_doubtful() -> None:
    assert doubt("score", "cat", answer("Hund", score=-4)) == 4


@pytest.mark.parametrize("kind", ["unread", "numbers", "length"])
def test_a_cut_answer_is_not_judged_by_what_it_lacks(kind: str) -> None:
    source = "The 2,000 old packages are gone"
    assert doubt(kind, source, answer("Es", source, unread=4)) > 0
    assert doubt(kind, source, answer("Es", source, unread=4, truncated=True)) == 0
    assert doubt(kind, source, answer("", source, unread=4)) == 0
