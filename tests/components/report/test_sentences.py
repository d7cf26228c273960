import numpy as np
import pytest
import sacrebleu

from components.report.sentences import (
    HEATMAPS,
    choose_examples,
    most_improved,
    most_worsened,
    read_sentences,
    typical,
    worst,
)
from serving.attention.diagnostics import Pattern
from tests.components.report.made_up_run import sentences, translation

LONG = " ".join(["word"] * 40)


def read(*texts: tuple[str, str], pattern=Pattern.DIAGONAL):
    """Returns sentences from (source, translation); each translation is its own reference."""
    return read_sentences(
        [(source, text) for source, text in texts],
        [translation(text, source, pattern) for source, text in texts],
        None,
    )


def test_each_sentence_is_scored_as_sacrebleu_scores_it():
    _, found = sentences(with_live=True)
    for sentence in found:
        assert sentence.chrf == pytest.approx(
            sacrebleu.sentence_chrf(sentence.candidate.text, [sentence.reference]).score
        )


def test_the_worst_come_first():
    _, found = sentences()
    scores = [sentence.chrf for sentence in worst(found, 8)]
    assert scores == sorted(scores)
    assert scores[0] == min(sentence.chrf for sentence in found)


def test_the_typical_have_the_scores_nearest_to_the_median():
    found = read_sentences(
        [(source, "eins zwei drei vier") for source in "abcde"],
        [translation(text, "a") for text in ("x", "eins", "eins zwei", "eins zwei drei", "y")],
        None,
    )
    median = found[1]
    assert sorted(each.chrf for each in found)[2] == median.chrf
    assert typical(found, 1) == [median]
    distances = [abs(each.chrf - median.chrf) for each in typical(found, 5)]
    assert distances == sorted(distances)


def test_the_typical_do_not_depend_on_the_order_of_the_sample():
    _, found = sentences()
    assert typical(found, 10) == typical(found[::-1], 10)
    assert len(typical(found, 10)) == 10
    assert typical([], 10) == []


def test_what_changed_is_better_or_worse_and_never_both():
    _, found = sentences(with_live=True)
    better, worse = most_improved(found, 100), most_worsened(found, 100)
    assert all(sentence.change > 0 for sentence in better)
    assert all(sentence.change < 0 for sentence in worse)
    assert len(better) + len(worse) == len(found)


def test_without_a_live_model_nothing_changed():
    _, found = sentences()
    assert most_improved(found, 5) == most_worsened(found, 5) == []


def test_every_pattern_gets_a_quarter_of_the_heatmaps():
    _, found = sentences()
    shown = [example.pattern for example in choose_examples(found)]
    assert shown == [pattern for pattern in Pattern for _ in range(HEATMAPS // 4)]


def test_the_places_of_a_rare_pattern_go_to_the_others():
    _, found = sentences()
    rest = [each for each in found if each.diagnosis.pattern is not Pattern.SPURIOUS]
    shown = [example.pattern for example in choose_examples(rest)]
    assert len(shown) == HEATMAPS
    assert {shown.count(pattern) for pattern in (*Pattern,)[:3]} == {4}


def test_one_sentence_is_shown_once():
    found = read(("one two three four", "eins zwei drei vier")) * 5
    assert len(choose_examples(found)) == 1


def test_sentences_that_are_too_long_to_be_read_are_not_shown():
    assert choose_examples(read((LONG, LONG), ("one", "eins"))) == []


def test_the_clearest_is_shown_first():
    half = translation("eins zwei drei vier", "one two three four")
    half.attention[:] = 0.5 * half.attention + 0.5 / half.attention.shape[1]
    found = read_sentences(
        [("one two three four", "x"), ("five six seven eight", "x")],
        [half, translation("fünf sechs sieben acht", "five six seven eight", Pattern.SPREAD)],
        None,
    )
    spread = [each.sentence.source for each in choose_examples(found)]
    assert spread[0] == "five six seven eight"


def test_weights_that_are_no_numbers_are_not_judged():
    broken = translation("eins zwei drei", "one two three")
    broken.attention[0] = np.nan
    [sentence] = read_sentences([("one two three", "x")], [broken], None)
    assert sentence.diagnosis is None
    assert choose_examples([sentence]) == []


def test_an_empty_translation_has_a_score_and_no_pattern():
    [sentence] = read_sentences([("one two", "eins zwei")], [translation("", "one two")], None)
    assert sentence.chrf == 0
    assert sentence.diagnosis is None
