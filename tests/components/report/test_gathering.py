"""A report is made even if a model fails."""

import json

import pytest

from components.report import gathering
from components.report.facts import score_interval
from components.report.gathering import Gathered, gather
from components.report.sample import Sample
from serving.local.sample_translation import Answers, NoAnswerError
from tests.components.report.made_up_run import corpus, serving, translation, verdict

PAIRS = [("one two three", "eins zwei drei"), ("four five six", "vier fünf sechs")]


def run(**changes) -> Gathered:
    values = {
        "card": json.dumps({"name": "captions"}),
        "live_card": None,
        "history": "[]",
        "verdict": verdict(),
        "serving": serving(),
        "corpus": corpus(),
        "sample": Sample(PAIRS, 2, seed=1),
        "export": "ours",
        "live_export": None,
        "resamples": 100,
    }
    return Gathered(**(values | changes))


@pytest.fixture
def models(monkeypatch):
    """Replaces the models; their translations are the references unless a test makes one fail."""
    asked = {}
    behaviour = {}

    def ask(folder, texts, references, *, max_seconds):
        asked[folder] = list(texts)
        if folder in behaviour:
            raise NoAnswerError(behaviour[folder])
        found = [
            translation(reference, text) for text, reference in zip(texts, references, strict=True)
        ]
        return Answers(found, found)

    monkeypatch.setattr(gathering, "ask_about_sample", ask)
    return asked, behaviour


def test_the_candidate_alone_is_asked_where_nothing_is_live(models):
    facts = gather(run())
    assert list(models[0]) == ["ours"]
    assert [sentence.live for sentence in facts.sentences] == [None, None]


def test_both_models_translate_the_same_sentences(models):
    facts = gather(run(live_export="theirs"))
    assert models[0]["ours"] == models[0]["theirs"] == [source for source, _ in PAIRS]
    assert all(sentence.live_chrf == 100 for sentence in facts.sentences)


def test_a_model_that_cannot_be_served_is_not_loaded(models):
    facts = gather(run(serving=serving("it crashes"), live_export="theirs"))
    assert models[0] == {}
    assert facts.sentences == ()
    assert "cannot be served" in facts.notes[0]


def test_a_model_that_gives_no_answer_is_a_note_with_the_reason(models):
    models[1]["ours"] = "it gave no answer within 9 seconds"
    facts = gather(run())
    assert facts.sentences == ()
    assert facts.notes == [
        "This model did not translate the sample of this report: it gave no answer within 9 "
        "seconds."
    ]


def test_a_live_model_that_gives_no_answer_leaves_the_candidates_alone(models):
    models[1]["theirs"] = "it has no signature 'score'"
    facts = gather(run(live_export="theirs"))
    assert len(facts.sentences) == 2
    assert "The live model did not translate" in facts.notes[0]


@pytest.mark.parametrize("card", [None, "half of a {", "[1]"])
def test_a_card_that_cannot_be_read_tells_nothing(models, card):
    assert gather(run(card=card)).card == {}


def test_the_interval_encloses_the_score():
    hypotheses = ["a b c d e f"] * 5 + ["a b c d x y"] * 5
    found = score_interval(verdict(), hypotheses, ["a b c d e f"] * 10, resamples=200, seed=1)
    assert found.low < found.score < found.high


def test_translations_like_their_references_have_no_interval_to_speak_of():
    found = score_interval(verdict(), ["a b c d"] * 3, ["a b c d"] * 3, resamples=100, seed=1)
    assert (found.low, found.score, found.high) == pytest.approx((100, 100, 100))


@pytest.mark.parametrize(
    ("judged", "score"),
    [({}, 0), ({"tokeniser": "zh"}, 100), ({"metric": "chrf"}, 100)],
)
def test_the_interval_is_of_the_score_that_judged(judged, score):
    texts = ["小猫看见马。"] * 3
    judging = verdict().model_copy(update=judged)
    found = score_interval(judging, texts, texts, resamples=100, seed=1)
    assert found.score == pytest.approx(score)
