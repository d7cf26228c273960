import dataclasses

import pytest

from serving.contract.translation import Calibration, Sentence, Translation
from serving.doubt.kinds import KINDS
from serving.doubt.warnings import warnings_of
from serving.segments.splitting import SplitTexts
from tests.serving.doubt.made_up import answer

USUAL = {"language": 4.0, "unread": 0.3, "length": 0.5, "score": 2.0}
LIMITS = tuple(USUAL.get(name, kind.limit) for name, kind in KINDS.items())


def calibrated(translation: Translation, surprise: float = 3.0) -> Translation:
    return dataclasses.replace(translation, calibration=Calibration(surprise, 1.0, LIMITS))


def warned(source: str, translation: Translation) -> tuple[str, ...]:
    return warnings_of([Sentence(source, translation)])


SOURCE = "The 640 old packages are gone now"
GOOD = calibrated(answer("Die 640 alten Pakete sind nun fort", SOURCE))
DOUBTFUL = {
    "unlike the training text": calibrated(answer(SOURCE, SOURCE), surprise=4.5),
    "empty answer": calibrated(answer("", SOURCE)),
    "repeats itself": calibrated(answer("Die 640 Pakete Pakete Pakete fort", SOURCE)),
    "perhaps not translated: The, 640, old": calibrated(answer(GOOD.text, SOURCE, unread=3)),
    "missing numbers: 640": calibrated(answer("Die 64 alten Pakete sind nun fort", SOURCE)),
    "unusual length": calibrated(answer("640", SOURCE)),
    "low score": calibrated(answer(GOOD.text, SOURCE, score=-3)),
}


@pytest.mark.parametrize("warning", DOUBTFUL)
def test_each_kind_of_doubt_has_its_warning(warning: str) -> None:
    assert warned(SOURCE, DOUBTFUL[warning]) == (warning,)


def test_a_good_answer_has_no_warning() -> None:
    assert warned(SOURCE, GOOD) == ()


def test_an_older_export_has_the_warnings_that_need_no_limit() -> None:
    found = [
        warned(SOURCE, dataclasses.replace(each, calibration=None)) for each in DOUBTFUL.values()
    ]
    assert [each for warnings in found for each in warnings] == [
        "empty answer",
        "repeats itself",
        "missing numbers: 640",
    ]


def test_a_kind_that_an_export_does_not_know_needs_no_limit_or_is_silent() -> None:
    short = Calibration(9.0, 1.0, LIMITS[:1])
    translation = dataclasses.replace(answer("", SOURCE, score=-9), calibration=short)
    assert warned(SOURCE, translation) == ("unlike the training text", "empty answer")


def test_a_text_has_one_warning_of_each_kind_with_the_sentences() -> None:
    whole = SplitTexts(["At 12:30. It is 7:45. It is late.", "It is late."])
    texts = ["Um 12.", "Es ist 7.", "Es ist spät.", "Es ist spät."]
    first, second = whole.join(
        [answer(text, source) for text, source in zip(texts, whole.sentences, strict=True)]
    )
    assert first.warnings == ("missing numbers: 12:30, 7:45 (sentences 1, 2)",)
    assert second.warnings == ()


def test_a_warning_names_a_few_words_and_sentences_only() -> None:
    sentences = [Sentence(f"{number}.", answer("x")) for number in range(100, 110)]
    [warning] = warnings_of(sentences)
    assert warning == (
        "missing numbers: 100, 101, 102, 103, 104 and 5 more (sentences 1, 2, 3, 4, 5 and 5 more)"
    )
    assert warned("9" * 5000, answer("x")) == ("missing numbers: " + "9" * 40,)
    assert warnings_of([sentences[0], Sentence("x", answer("x"))]) == (
        "missing numbers: 100 (sentence 1)",
    )
