import sacrebleu

from pipeline.evaluation.evaluation_set import set_of_texts
from pipeline.evaluation.sentences import sentences_to_read
from tests.pipeline.evaluation.texts import BETTER, MORE_REFERENCES, REFERENCES, SOURCES, WORSE

TEXTS = set_of_texts(SOURCES, [REFERENCES, MORE_REFERENCES])


def test_sentences_are_listed_by_the_size_of_their_change() -> None:
    listed = sentences_to_read(TEXTS, WORSE, BETTER, 4)
    changes = [abs(each.change or 0) for each in listed]
    assert (len(listed), listed[0].line) == (4, 6)
    assert changes == sorted(changes, reverse=True)
    swapped = sentences_to_read(TEXTS, BETTER, WORSE, 4)
    assert [each.line for each in swapped] == [each.line for each in listed]
    assert [each.change for each in swapped] == [-(each.change or 0) for each in listed]


def test_a_sentence_has_the_chrf_of_sacrebleu() -> None:
    for each in sentences_to_read(TEXTS, WORSE, BETTER, 3):
        expected = [
            sacrebleu.sentence_chrf(text or "", list(each.references)).score
            for text in (each.system, each.against)
        ]
        assert [each.chrf, each.against_chrf] == expected


def test_a_sentence_without_a_change_is_not_listed() -> None:
    assert not sentences_to_read(TEXTS, BETTER, BETTER, 10)
    assert 10 not in [each.line for each in sentences_to_read(TEXTS, WORSE, BETTER, 10)]


def test_of_one_system_the_worst_sentences_are_listed() -> None:
    listed = sentences_to_read(TEXTS, WORSE, None, 3)
    assert [each.line for each in listed] == [6, 9, 8]
    assert listed[0].change is None
    assert (listed[0].source, listed[0].system) == ("Shows the time in 24 cities.", "")


def test_an_empty_translation_of_an_empty_reference_is_no_bad_one() -> None:
    assert 9 not in [each.line for each in sentences_to_read(TEXTS, BETTER, None, 10)]


def test_equal_sentences_are_listed_in_their_order() -> None:
    texts = set_of_texts(None, [["Spielt Musik ab."] * 3])
    assert [each.line for each in sentences_to_read(texts, [""] * 3, None, 2)] == [1, 2]
