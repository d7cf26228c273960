import dataclasses
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.common.task import ParallelText
from benchmarks.quality.doubt import (
    AS_WRITTEN,
    CAPITALS,
    TOGETHER,
    Group,
    area_under_curve,
    areas,
    judge,
    make_groups,
)
from pipeline.errors import UserError
from serving.contract.translation import Calibration, Translation
from serving.doubt.kinds import KINDS
from serving.segments.splitting import SplitTexts
from tests.serving.doubt.made_up import answer

TEXT = ParallelText(
    [f"word number {n} is here" for n in range(20)], [f"Wort Nummer {n} ist da" for n in range(20)]
)
LIMITS = tuple(2.0 if math.isinf(kind.limit) else kind.limit for kind in KINDS.values())
GROUPS = make_groups(TEXT, ("en", "de"), seed=1)


def translate(texts: Sequence[str]) -> list[Translation]:
    """Knows the test sentences, in any case but for the first ones, and has a low score else."""
    known = dict(zip(TEXT.sources, TEXT.targets, strict=True))
    known |= {source.upper(): target.upper() for source, target in known.items()}
    answers = []
    for text in texts:
        is_known = text in known and not text.endswith(" 1 is here")
        made = answer(known[text] if is_known else "xyz", text, score=-1.0 if is_known else -3.0)
        calibration = Calibration(3.0 if text not in known else 1.0, 1.0, LIMITS)
        answers.append(dataclasses.replace(made, calibration=calibration))
    return SplitTexts(texts, split=False).join(answers)


def test_other_languages_are_not_those_of_the_model() -> None:
    assert len(GROUPS["other languages"].sources) >= 6 * 12
    fewer = make_groups(TEXT, ("fr", "ja"), seed=1)["other languages"].sources
    assert len(GROUPS["other languages"].sources) - len(fewer) == 2 * 12


def test_nonsense_has_the_letters_of_a_source_in_another_order() -> None:
    shuffled = GROUPS["shuffled characters"].sources
    assert shuffled != TEXT.sources
    assert list(map(Counter, shuffled)) == list(map(Counter, TEXT.sources))


def test_an_answer_is_bad_by_its_reference_or_without_any() -> None:
    written = judge(GROUPS[AS_WRITTEN], translate)
    assert written.is_bad.tolist() == [place == 1 for place in range(20)]
    assert not judge(GROUPS[CAPITALS], translate).is_bad.any()
    assert judge(GROUPS["random letters"], translate).is_bad.all()


def test_warned_answers_lie_above_a_limit() -> None:
    written = judge(GROUPS[AS_WRITTEN], translate)
    assert written.is_warned.tolist() == [place == 1 for place in range(20)]
    assert (written.values[TOGETHER] > 1).tolist() == written.is_warned.tolist()


def test_areas_compare_bad_answers_with_good_ones() -> None:
    found = areas({name: judge(group, translate) for name, group in GROUPS.items()})
    assert found["score"][AS_WRITTEN] == found["score"]["all"] == 1
    assert (found["language"]["random letters"], found["language"][AS_WRITTEN]) == (1, 0.5)
    assert np.isnan(found["score"][CAPITALS])


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    assert area_under_curve(np.array([1, 2, 3]), np.array([2, 4])) == pytest.approx(4.5 / 6)


def test_an_export_without_limits_is_refused() -> None:
    with pytest.raises(UserError, match="export it again"):
        judge(Group(["a"], None), lambda texts: [answer("b")])
