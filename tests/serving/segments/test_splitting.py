import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, strategies

from serving.contract.signatures import END_SYMBOL
from serving.contract.translation import Translation
from serving.heatmap.matrix import make_heatmap
from serving.segments.splitting import Languages, SplitTexts
from tests.any_text import strings
from text.glossary import Glossary

ENGLISH: Languages = ("en", "de")


def in_capitals(sentence: str, *, ending: str = "", score: float = -1.0) -> Translation:
    """Translates each word to capitals, and attends to it, and a little to the end symbol."""
    words = sentence.split()
    weights = 0.9 * np.eye(len(words) + 1, dtype=np.float32)
    weights[:, -1] += 0.1
    return Translation(
        text=sentence.upper() + ending,
        score=score,
        source_tokens=(*(f"\u2581{word}" for word in words), END_SYMBOL),
        target_tokens=(*(f"\u2581{word.upper()}" for word in words), END_SYMBOL),
        attention=weights,
        truncated="long" in words,
    )


def translate(texts: Sequence[str | bytes], languages: Languages = ENGLISH) -> list[Translation]:
    whole = SplitTexts(texts, languages)
    return whole.join(list(map(in_capitals, whole.sentences)))


def test_each_sentence_is_translated_by_itself() -> None:
    whole = SplitTexts(["One cat. Two dogs.", "Three mice."], ENGLISH)
    assert whole.sentences == ["One cat.", "Two dogs.", "Three mice."]
    first, second = whole.join(list(map(in_capitals, whole.sentences)))
    assert (first.text, second.text) == ("ONE CAT. TWO DOGS.", "THREE MICE.")
    assert [each.source for each in first.sentences] == ["One cat.", "Two dogs."]
    assert [each.translation.text for each in first.sentences] == ["ONE CAT.", "TWO DOGS."]


def test_lines_and_paragraphs_stay() -> None:
    text = "A title\n\nOne cat.  Two dogs.\r\n\tThree mice."
    assert translate([text])[0].text == "A TITLE\n\nONE CAT. TWO DOGS.\r\n\tTHREE MICE."


def test_the_target_language_says_whether_a_space_stands_between_sentences() -> None:
    assert translate(["One cat. Two dogs."], ("en", "ja"))[0].text == "ONE CAT.TWO DOGS."
    assert translate(["猫。犬。"], ("ja", "en"))[0].text == "猫。 犬。"


def test_attention_is_shifted_to_the_whole_text() -> None:
    [translation] = translate(["One cat. Two dogs."])
    assert translation.source_tokens == ("▁One", "▁cat.", "▁Two", "▁dogs.", END_SYMBOL)
    assert translation.target_tokens == ("▁ONE", "▁CAT.", "▁TWO", "▁DOGS.", END_SYMBOL)
    expected = 0.9 * np.eye(5, dtype=np.float32)
    expected[:, -1] += 0.1
    np.testing.assert_allclose(translation.attention, expected, atol=1e-7)
    heatmap = make_heatmap("One cat. Two dogs.", translation)
    assert heatmap.source == ("One", "cat.", "Two", "dogs.", "(end)")
    np.testing.assert_allclose(heatmap.weights, expected[:4], atol=1e-7)


def test_a_text_is_cut_if_one_of_its_sentences_is() -> None:
    cut, whole = translate(["One cat. Two long dogs.", "Three mice."])
    assert (cut.truncated, whole.truncated) == (True, False)
    assert cut.score == -1


def test_hypotheses_are_the_best_combinations_of_the_sentences() -> None:
    whole = SplitTexts(["One. Two.", "Three."], ENGLISH)
    answers = []
    for sentence, step in zip(whole.sentences, (1.0, 10.0, 1.0), strict=True):
        beam = tuple(
            in_capitals(sentence, ending="!" * rank, score=-1 - rank * step) for rank in range(3)
        )
        answers.append(dataclasses.replace(beam[0], n_best=beam))
    first, second = whole.join(answers)
    assert [each.text for each in first.n_best] == ["ONE. TWO.", "ONE.! TWO.", "ONE.!! TWO."]
    assert [each.score for each in first.n_best] == [-1, -1.5, -2]
    assert first.text == first.n_best[0].text
    assert [each.text for each in first.sentences[1].translation.n_best] == [
        "TWO.",
        "TWO.!",
        "TWO.!!",
    ]
    assert [each.text for each in second.n_best] == ["THREE.", "THREE.!", "THREE.!!"]


def test_hypotheses_keep_their_order_for_any_score() -> None:
    whole = SplitTexts(["One. Two."], ENGLISH)
    answers = []
    for sentence in whole.sentences:
        beam = (in_capitals(sentence, score=-2), in_capitals(sentence, ending="!", score=-1))
        answers.append(dataclasses.replace(beam[0], n_best=beam))
    [joined] = whole.join(answers)
    assert [each.text for each in joined.n_best] == ["ONE. TWO.", "ONE.! TWO."]


@pytest.mark.parametrize("text", ["", " \n ", b"", "...", "\ud800"])
def test_a_text_without_a_sentence_is_translated_as_it_is(text: str | bytes) -> None:
    whole = SplitTexts([text], ENGLISH)
    assert len(whole.sentences) == 1
    [translation] = whole.join(list(map(in_capitals, whole.sentences)))
    assert len(translation.sentences) == 1


def test_a_text_too_long_for_one_matrix_is_left_to_the_model() -> None:
    text = "One. " * 5_000
    assert SplitTexts([text, "One. Two."], ENGLISH).sentences == [text, "One.", "Two."]


def test_splitting_can_be_turned_off() -> None:
    assert SplitTexts(["One. Two."], ENGLISH, split=False).sentences == ["One. Two."]


@given(strategies.lists(strings | strategies.binary()), strategies.sampled_from(["en", "ja"]))
def test_each_row_of_the_joined_attention_of_any_text_sums_to_1(
    texts: list[str | bytes], language: str
) -> None:
    joined = translate(texts, (language, "de"))
    assert len(joined) == len(texts)
    for each in joined:
        assert each.attention.shape == (len(each.target_tokens), len(each.source_tokens))
        np.testing.assert_allclose(each.attention.sum(axis=1), 1, rtol=1e-5)


def test_each_sentence_and_each_hypothesis_gets_the_terms_of_a_glossary() -> None:
    glossary = Glossary([("cat", "Katze"), ("dogs", "Hunde"), ("mice", "Mäuse")])
    whole = SplitTexts(["One cat. Two dogs.", "One house."], ENGLISH, glossary=glossary)
    answers = [
        dataclasses.replace(each, n_best=(each, each)) for each in map(in_capitals, whole.sentences)
    ]
    first, second = whole.join(answers)
    assert first.text == "ONE KATZE. TWO HUNDE."
    assert {each.text for each in first.n_best} == {first.text}
    assert first.attention.shape == (len(first.target_tokens), len(first.source_tokens))
    assert second.text == "ONE HOUSE."
    assert not any("glossary" in warning for warning in (*first.warnings, *second.warnings))


def test_a_term_that_could_not_be_written_gives_a_warning() -> None:
    whole = SplitTexts(["One cat."], ENGLISH, glossary=Glossary([("cat", "Katze")]))
    answer = in_capitals("One cat.")
    answer.attention[:] = np.eye(3, dtype=np.float32)[2]
    [translation] = whole.join([answer])
    assert "glossary: missing Katze" in translation.warnings
