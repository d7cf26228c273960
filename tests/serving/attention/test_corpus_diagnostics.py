from dataclasses import replace

import numpy as np
import pytest

from serving.attention.corpus_diagnostics import COMMON_AT_LEAST, CorpusDiagnostics, Judged
from serving.attention.diagnostics import Diagnosis, Measures, Pattern, measure

MEASURES: Measures = measure(np.eye(3), np.zeros((3, 1)))


def judged(line: int, pattern=Pattern.DIAGONAL, score=-1.0, never=(), again=(), **others) -> Judged:
    made = Judged(
        line=line,
        source="the dog sleeps",
        translation="der Hund schläft",
        score=score,
        truncated=False,
        diagnosis=Diagnosis(pattern, MEASURES, never, again),
    )
    return replace(made, **others)


def corpus_of(*sentences: Judged) -> CorpusDiagnostics:
    corpus = CorpusDiagnostics()
    for sentence in sentences:
        corpus.add(sentence)
    return corpus


def test_shares_sum_to_one_and_name_every_pattern():
    patterns = [Pattern.DIAGONAL, Pattern.DIAGONAL, Pattern.SPREAD, Pattern.SPURIOUS]
    corpus = corpus_of(*(judged(line, pattern) for line, pattern in enumerate(patterns)))
    assert corpus.shares() == {
        Pattern.DIAGONAL: 0.5,
        Pattern.SPREAD: 0.25,
        Pattern.REORDERING: 0.0,
        Pattern.SPURIOUS: 0.25,
    }


def test_a_corpus_of_nothing_has_shares_of_zero():
    assert set(corpus_of().shares().values()) == {0}


def test_of_sentences_with_findings_the_least_probable_come_first():
    corpus = corpus_of(
        judged(1, score=-9.0),
        judged(2, Pattern.SPREAD, score=-1.0),
        judged(3, score=-3.0, never=("dog",)),
        judged(4, score=-2.0, again=("dog",)),
        judged(5, score=-1.0, truncated=True),
    )
    assert [each.line for each in corpus.worth_reading(10)] == [3, 4, 2, 5]
    assert [each.line for each in corpus.worth_reading(2)] == [3, 4]


def test_findings_say_what_to_look_at():
    sentence = judged(1, Pattern.SPURIOUS, never=("dog", "the"), again=("sleeps",), truncated=True)
    assert sentence.findings == (
        "cut at the model's limit",
        "spurious",
        "never looked at: dog, the",
        "looked at again: sleeps",
    )


@pytest.mark.parametrize("pattern", [Pattern.DIAGONAL, Pattern.REORDERING])
def test_good_patterns_are_no_findings(pattern):
    assert judged(1, pattern).findings == ()


def test_words_that_are_everywhere_are_not_missed():
    others = [judged(line) for line in range(2, 2 + COMMON_AT_LEAST)]
    rare = judged(1, never=("The", "cat"), source="The cat sleeps")
    corpus = corpus_of(rare, judged(0, never=("THE",), source="THE dog"), *others)
    [worst] = corpus.worth_reading(5)
    assert worst.diagnosis.never_looked_at == ("cat",)


def test_in_a_few_sentences_no_word_is_common():
    corpus = corpus_of(*(judged(line, never=("the",)) for line in range(COMMON_AT_LEAST - 1)))
    assert len(corpus.worth_reading(100)) == COMMON_AT_LEAST - 1


def test_of_a_large_corpus_the_least_probable_sentences_are_remembered():
    corpus = corpus_of(*(judged(line, Pattern.SPREAD, score=-line) for line in range(2_500)))
    assert [each.line for each in corpus.worth_reading(3)] == [2499, 2498, 2497]
    assert corpus.sentences.total() == 2_500
