"""Draws the path of a sentence through the code: `docs/pictures/sentence-path.svg`.

    python -m scripts.draw_sentence_path

The steps come from the two numbered lists of docs/architecture.md, so picture and page always
agree.
"""

import re
import textwrap
from dataclasses import dataclass

from scripts.draw_architecture import rectangle, svg, text_line
from scripts.import_graph import ROOT

PAGE = ROOT / "docs/architecture.md"
PICTURE = ROOT / "docs/pictures/sentence-path.svg"
_SECTION = "## The way of a sentence"
_BOX_WIDTH, _GAP, _MARGIN, _LINE_HEIGHT, _TOP = 460, 26, 12, 15, 40
_NAME_CHARACTERS, _TEXT_CHARACTERS = 54, 76


@dataclass(frozen=True)
class Step:
    """One step: its files, and its text without them."""

    files: tuple[str, ...]
    text: str


def read_paths(text: str) -> dict[str, list[Step]]:
    """Reads the lists of the section, by the words above each.

    Raises:
      ValueError: the section is missing, or a step names no file.
    """
    _, found, rest = text.partition(f"{_SECTION}\n")
    if not found:
        raise ValueError(f"There is no section {_SECTION!r}.")
    section = rest.partition("\n## ")[0]
    paths: dict[str, list[Step]] = {}
    for heading, items in re.findall(
        r"^(In \w+):\n\n((?:(?:\d\.|  ).*\n?)+)", section, re.MULTILINE
    ):
        steps = re.split(r"^\d\. ", items, flags=re.MULTILINE)[1:]
        paths[heading] = [_step(" ".join(each.split())) for each in steps]
    return paths


def _step(text: str) -> Step:
    files = tuple(re.findall(r"`([\w/]+(?:\.py|/))`", text))
    if not files:
        raise ValueError(f"A step names no file: {text}")
    return Step(files, text.replace("`", ""))


def draw_sentence_path() -> str:
    """Returns the picture as SVG: a column for training and one for serving."""
    parts: list[str] = []
    bottom = 0
    for column, (heading, steps) in enumerate(read_paths(PAGE.read_text(encoding="utf-8")).items()):
        x = _MARGIN + column * (_BOX_WIDTH + _GAP)
        parts.append(text_line("package", x, 24, heading))
        y = _TOP
        for number, step in enumerate(steps):
            files = textwrap.wrap(", ".join(step.files), _NAME_CHARACTERS)
            words = textwrap.wrap(step.text, _TEXT_CHARACTERS)
            height = _LINE_HEIGHT * (len(files) + len(words)) + 16
            if number:
                middle = x + _BOX_WIDTH // 2
                parts.append(
                    f'<path class="head" d="M{middle - 6} {y - 12}h12l-6 10z"/>',
                )
            parts.append(rectangle("box", x, y, _BOX_WIDTH, height))
            for index, content in enumerate([*files, *words]):
                kind = "name" if index < len(files) else "small"
                parts.append(text_line(kind, x + 10, y + 18 + _LINE_HEIGHT * index, content))
            y += height + 14
        bottom = max(bottom, y)
    width = 2 * _MARGIN + 2 * _BOX_WIDTH + _GAP
    return svg(parts, width, bottom, "The path of a sentence in training and in serving")


if __name__ == "__main__":
    PICTURE.write_text(draw_sentence_path(), encoding="utf-8")
