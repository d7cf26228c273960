import random
from pathlib import Path

import pytest

from pipeline.corpora.parallel_files import read_aligned
from pipeline.corpora.shifted import OFFSETS, Shift, ShiftFinder
from pipeline.errors import UserError

LINES = 2000


def made_up(seed: int, lines: int = LINES, longest: int = 20) -> tuple[list[str], list[str]]:
    """Makes sources, and targets with other words, about the same lengths, and the same marks."""
    rng = random.Random(seed)
    sides: tuple[list[str], list[str]] = ([], [])
    for _ in range(lines):
        words, mark = rng.randint(1, longest), rng.choice(["?", ".", ".", ".", "!", ""])
        for side, letters in zip(sides, ("abcdefg", "hijklmn"), strict=True):
            text = [rng.choice(letters) * rng.randint(1, 9) for _ in range(words)]
            side.append(" ".join(text) + mark)
    return sides


def find(sources: list[str], targets: list[str]) -> Shift | None:
    finder = ShiftFinder()
    for number, pair in enumerate(zip(sources, targets, strict=False), start=1):
        finder.add(number, *pair)
    return finder.find()


def shifted(targets: list[str], start: int, offset: int) -> list[str]:
    """Adds lines after `start` lines, or takes some out."""
    if offset > 0:
        return [*targets[:start], *["x"] * offset, *targets[start:]]
    return [*targets[:start], *targets[start - offset :]]


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("start", [0, 700, 1500])
def test_a_shift_is_found_with_its_line_and_offset(start: int, offset: int) -> None:
    sources, targets = made_up(1)
    shift = find(sources, shifted(targets, start, offset))
    assert shift is not None
    assert shift.offset == offset
    assert shift.line == pytest.approx(start + 1, abs=15)


def test_the_longest_shifted_part_counts() -> None:
    sources, targets = made_up(2)
    two = shifted(shifted(targets, 500, 1), 900, -1)
    shift = find(sources, two)
    assert shift is not None
    assert (shift.offset, shift.line) == (1, pytest.approx(501, abs=15))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("longest", [1, 3, 20])
def test_aligned_text_is_not_shifted(seed: int, longest: int) -> None:
    assert find(*made_up(seed, longest=longest)) is None


def test_text_that_tells_nothing_is_not_shifted() -> None:
    sources, targets = made_up(3)
    rng = random.Random(3)
    assert find(sources, rng.sample(targets, LINES)) is None  # no translations at all
    assert find(["a"] * LINES, ["b"] * LINES) is None
    assert find([""] * LINES, [""] * LINES) is None
    assert find(["a", "b?"] * LINES, ["b?", "a"] * LINES) is not None  # really off by one
    assert find(["a.", "b?", "12"] * 400, ["c.", "d?", "12"] * 400) is None


@pytest.mark.parametrize("lines", [0, 1, 3, 7, 8, 49])
def test_a_few_lines_tell_nothing(lines: int) -> None:
    sources, targets = made_up(4, lines)
    assert find(sources, ["x", *targets]) is None


def test_a_short_shifted_part_is_a_mistake_in_the_text() -> None:
    sources, targets = made_up(5)
    assert find(sources, shifted(shifted(targets, 500, 1), 600, -1)) is None


def test_a_shifted_file_is_refused(tmp_path: Path) -> None:
    sources, targets = made_up(6)
    (tmp_path / "a.en").write_text("\n".join(sources), encoding="utf-8")
    (tmp_path / "a.de").write_text("\n".join(shifted(targets, 999, 1)[:LINES]), encoding="utf-8")
    with pytest.raises(UserError, match=r"shifted: from about line \d+ on, .* line n \+ 1 \(off"):
        read_aligned(tmp_path / "a.en", tmp_path / "a.de")


def test_a_missing_line_is_looked_for(tmp_path: Path) -> None:
    sources, targets = made_up(7)
    (tmp_path / "a.en").write_text("\n".join(sources), encoding="utf-8")
    (tmp_path / "a.de").write_text("\n".join(shifted(targets, 999, -1)), encoding="utf-8")
    with pytest.raises(UserError, match=r"2000 lines and .* 1999: .*shifted: from about line \d+"):
        read_aligned(tmp_path / "a.en", tmp_path / "a.de")
