from collections.abc import Sequence

from benchmarks.common.task import ParallelText
from benchmarks.quality.input_forms import (
    count_half_characters,
    in_title_case,
    measure_cases,
    measure_joined,
    measure_spellings,
)
from text.characters import compose

TEXT = ParallelText(
    [f"Word number {n} is hére." for n in range(16)], [f"{n} x y z w." for n in range(16)]
)


def perfect(texts: Sequence[str], split: bool) -> list[str]:
    """Knows each sentence, in any case, but only the first of a line unless it is split."""
    answers = []
    for text in texts:
        found = []
        for sentence in compose(text).split(".")[:-1]:
            answer = f"{sentence.split()[2]} x y z w."
            found.append(answer.upper() if sentence.isupper() else answer)
        answers.append(" ".join(found if split else found[:1]))
    return answers


def test_joined_sentences_are_compared_with_separate_ones() -> None:
    scores = measure_joined(TEXT, 16, perfect)
    assert [round(scores[f"{size} joined"]) for size in (2, 4, 8)] == [100, 100, 100]
    assert [round(scores[f"{size} alone"]) for size in (2, 4, 8)] == [100, 100, 100]
    assert scores["8 unsplit"] < scores["2 unsplit"] < 50


def test_capitals_are_compared_with_capitals() -> None:
    assert {name: round(score) for name, score in measure_cases(TEXT, perfect).items()} == {
        "as written": 100,
        "capitals": 100,
        "title case": 100,
    }
    assert in_title_case("this PDF of vim") == "This PDF Of Vim"


def test_equal_answers_to_other_spellings_are_counted() -> None:
    assert measure_spellings(TEXT, 1, perfect) == {"invisible": 1, "decomposed": 1}

    def first_letters(texts: Sequence[str], split: bool) -> list[str]:
        return list(texts)

    assert measure_spellings(TEXT, 1, first_letters) == {"invisible": 0, "decomposed": 0}


def test_answers_with_half_characters_are_counted() -> None:
    def echo(texts: Sequence[str], split: bool) -> list[str]:
        assert all(any(not character.isascii() for character in text) for text in texts)
        return [f"{text}\ufffd" if place % 2 else text for place, text in enumerate(texts)]

    assert count_half_characters(TEXT, 20, 1, echo) == 10
