import math

import pytest

from pipeline.config.floor import FEWEST_PAIRS, measure_floors

PAIRS = 200


def ideographs(pair: int) -> str:
    """Four characters that no other pair has."""
    return "".join(chr(0x4E00 + 4 * pair + place) for place in range(4))


HALF_COPIED = [(ideographs(i) if i % 2 else "zzzz", ideographs(i)) for i in range(PAIRS)]
"""Of all n-grams of characters half are right if the source stays, and none with another pair's."""


def test_the_floor_of_bleu_is_above_the_source_as_it_stands() -> None:
    floor = measure_floors(HALF_COPIED, "zh-CN")["bleu"]
    # 100 of 200 sentences match in all orders. A sentence in place of "zzzz" is one token of 13a
    # and of zh, so the translation has 100 * 4 + 100 tokens, the reference 200 * 4:
    # precisions 400/500, 300/300, 200/200, 100/100, brevity exp(1 - 800/500).
    expected = 100 * (0.8**0.25) * math.exp(1 - 800 / 500)
    assert floor.value == pytest.approx(expected + 2, abs=0.06)
    assert f"source as it stands has BLEU {expected:.1f}" in floor.reason
    assert "another pair 0.0" in floor.reason


def test_the_tokeniser_is_that_of_the_target_language() -> None:
    # A clause of Chinese is one token of 13a: without any sequence of four BLEU is 0.
    assert measure_floors(HALF_COPIED, "fr")["bleu"].value == 2.0


def test_the_floor_is_above_the_translation_of_another_pair() -> None:
    # A translation in the right language: three of four words are the same in all pairs.
    pairs = [("zzzz", f"one two three {ideographs(i)}") for i in range(PAIRS)]
    floor = measure_floors(pairs, "fr")["bleu"]
    # Precisions 3/4, 2/3, 1/2, and none of 200 sequences of four, smoothed to 1/2 of 200.
    expected = 100 * (3 / 4 * 2 / 3 * 1 / 2 * 0.5 / 200) ** 0.25
    assert floor.value == pytest.approx(expected + 2, abs=0.06)


def test_chrf_is_measured_too_and_never_above_100() -> None:
    pairs = [(ideographs(i), ideographs(i)) for i in range(PAIRS)]
    assert {floor.value for floor in measure_floors(pairs, "zh").values()} == {100.0}
    half = measure_floors([(text, text[:2] + "zz") for text, _ in pairs], "zh")["chrf"]
    assert half.value is not None
    assert 20 < half.value < 80


def test_the_margin_is_a_tenth_of_what_is_left_where_the_source_is_almost_right() -> None:
    pairs = [(ideographs(i) if i % 20 else "zzzz", ideographs(i)) for i in range(PAIRS)]
    # 190 of 200 sentences match: precisions 760/770 and 1, brevity exp(1 - 800/770).
    copied = 100 * (760 / 770) ** 0.25 * math.exp(1 - 800 / 770)
    floor = measure_floors(pairs, "zh")["bleu"]
    assert floor.value == pytest.approx(copied + 0.1 * (100 - copied), abs=0.06)


def test_too_few_pairs_have_no_floor_and_the_reason_says_what_to_do() -> None:
    floors = measure_floors(HALF_COPIED[: FEWEST_PAIRS - 1], "zh")
    assert [floor.value for floor in floors.values()] == [None, None]
    assert "99 test pairs are too few" in floors["bleu"].reason
    assert "set the floor below that and run again" in floors["bleu"].reason
    assert all(floor.value for floor in measure_floors(HALF_COPIED[:FEWEST_PAIRS], "zh").values())


def test_the_floor_is_the_same_each_time() -> None:
    pairs = [(str(i), f"one {i} two {i % 7} three {i % 5}") for i in range(PAIRS)]
    assert measure_floors(pairs, "fr") == measure_floors(pairs, "fr")
