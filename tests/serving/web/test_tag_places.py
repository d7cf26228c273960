from collections.abc import Sequence

import numpy as np
import pytest

from serving.contract.translation import Translation
from serving.web.tag_places import Element, place_tags
from text.characters import WORD_START


def translated(source: Sequence[str], target: Sequence[str], links: Sequence[int]) -> Translation:
    """Returns a translation; each target word attends to the source word at its link."""
    return Translation(
        text=" ".join(target),
        score=-1.0,
        source_tokens=tuple(WORD_START + word for word in source),
        target_tokens=tuple(WORD_START + word for word in target),
        attention=np.eye(max(1, len(source)), dtype=np.float32)[list(links)][:, : len(source)],
        truncated=False,
    )


BOLD, ITALIC = (2, "<b>", 3, "</b>"), (4, "<i>", 5, "</i>")  # around the words b and c of "a b c"


@pytest.mark.parametrize(
    ("elements", "target", "links", "placed"),
    [
        ([BOLD], "A B C", [0, 1, 2], "A <b>B</b> C"),
        ([BOLD], "B A C", [1, 0, 2], "<b>B</b> A C"),
        ([BOLD], "A B D B", [0, 1, 2, 1], "A <b>B D B</b>"),
        ([BOLD, ITALIC], "C B A", [2, 1, 0], "<i>C</i> <b>B</b> A"),
        ([BOLD, ITALIC], "B C B", [1, 2, 1], "<b>B C B</b><i></i>"),
        ([BOLD], "A C", [0, 2], "A <b></b>C"),
        ([BOLD], "A", [0], "A<b></b>"),
        ([BOLD], "", [], "<b></b>"),
        ([(2, "<br>", 2, "")], "C B A", [2, 1, 0], "C <br>B A"),
        ([(0, "<p>", 3, "</p>", [BOLD])], "C B A", [2, 1, 0], "C <p><b>B</b> A</p>"),
        ([(0, "<p>", 3, "</p>", [BOLD])], "B C A", [1, 2, 0], "<p><b>B</b> C A</p>"),
    ],
)
def test_elements_go_around_the_words_that_attend_to_theirs(elements, target, links, placed):
    def element(start, before, end, after, children=()) -> Element:
        return Element(start, before, end, after, [element(*child) for child in children])

    root = Element(0, children=[element(*each) for each in elements])
    translation = translated("abc", target.split(), links)
    assert "".join(place_tags(root, "a b c", translation)) == placed
