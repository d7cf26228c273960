"""Draws the heatmap of the table in docs/serving.md: `docs/pictures/heatmap.svg`.

    python -m scripts.draw_heatmap

No model is needed: the weights are read from the page, so page and picture always agree.
"""

import re
from pathlib import Path

import numpy as np

from serving.heatmap.matrix import END_LABEL, Heatmap
from serving.heatmap.picture import draw_picture

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/serving.md"
PICTURE = ROOT / "docs/pictures/heatmap.svg"
_BLOCK = re.compile(r"^\$ nmt heatmap .*\n.*\n\n((?:.+\n)+?)```", re.MULTILINE)


def printed_heatmap(text: str) -> Heatmap:
    """Reads the first table printed by `nmt heatmap` in a text."""
    found = _BLOCK.search(text)
    if not found:
        raise ValueError("There is no output of `nmt heatmap`.")
    heading, *rows = found[1].splitlines()
    # A column ends where its heading ends.
    ends = [match.end() for match in re.finditer(r"\S+", heading)]
    starts = [ends[0] - 5, *ends[:-1]]
    cells = [
        [row[start:end].strip() for start, end in zip(starts, ends, strict=True)] for row in rows
    ]
    return Heatmap(
        source=tuple(heading.split()),
        target=tuple(row.split()[0] for row in rows),
        weights=np.array([[float(cell or 0) for cell in row] for row in cells], np.float32),
        has_end=heading.split()[-1] == END_LABEL,
    )


def draw_heatmap() -> bytes:
    """Returns the picture as SVG."""
    heatmap = printed_heatmap(PAGE.read_text(encoding="utf-8"))
    return draw_picture(heatmap, "svg", title="Attention of a translation")


if __name__ == "__main__":
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_bytes(draw_heatmap())
