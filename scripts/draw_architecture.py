"""Draws the packages, their subpackages and their imports: `docs/pictures/architecture.svg`.

    python -m scripts.draw_architecture

Everything in the picture comes from the import statements (`scripts.import_graph`).
"""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from scripts.import_graph import ROOT, imports_package, subpackages

PICTURE = ROOT / "docs/pictures/architecture.svg"
PACKAGES = ("pipeline", "components", "trainer", "serving", "text")
"""From top to bottom; a package imports only packages below it."""

_WIDTH, _BAND_WIDTH, _MARGIN = 970, 804, 12
_COLUMNS, _GAP = 4, 12
_BOX_WIDTH = (_BAND_WIDTH - 2 * _MARGIN - (_COLUMNS - 1) * _GAP) // _COLUMNS
_TITLE_HEIGHT, _LINE_HEIGHT, _BAND_GAP = 34, 15, 26
_BOX_CHARACTERS, _BAND_CHARACTERS = 28, 126

_STYLE = """
  text { font-family: system-ui, sans-serif; font-size: 12px; fill: #1f2933; }
  .package { font-size: 17px; font-weight: 600; }
  .name { font-size: 13px; font-weight: 600; }
  .small { font-size: 11px; fill: #52606d; }
  .band { fill: #eef3f8; stroke: #bcccdc; }
  .box { fill: #ffffff; stroke: #bcccdc; }
  .arrow { fill: none; stroke: #3b6ea5; stroke-width: 1.5; }
  .head { fill: #3b6ea5; }
  .background { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e4e7eb; }
    .small { fill: #b0bac5; }
    .band { fill: #1f2a37; stroke: #3e4c59; }
    .box { fill: #111827; stroke: #3e4c59; }
    .arrow { stroke: #7fb2e5; }
    .head { fill: #7fb2e5; }
    .background { fill: #111827; }
  }
"""


def draw_architecture() -> str:
    """Returns the picture as SVG, identical for identical import statements."""
    parts: list[str] = []
    bands: dict[str, tuple[int, int]] = {}
    y = _BAND_GAP // 2
    for package in PACKAGES:
        drawn, height = _band(package, y)
        parts += drawn
        bands[package] = (y, y + height)
        y += height + _BAND_GAP
    parts += _arrows(bands)
    return svg(parts, _WIDTH, y - _BAND_GAP // 2, "Packages and their imports")


def svg(parts: list[str], width: int, height: int, label: str) -> str:
    """Returns a picture made of elements, in the colours of our pictures."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'width="{width}" height="{height}" aria-label="{label}">',
            f"<style>{_STYLE}</style>",
            f'<rect class="background" width="{width}" height="{height}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _band(package: str, top: int) -> tuple[list[str], int]:
    """Draws one package with its subpackages; returns the elements and the height."""
    found = subpackages(package)
    folders = {name: found[name] for name in sorted(found) if _is_folder(package, name)}
    single = sorted(name for name in found if name not in folders and name != "__init__")
    parts: list[str] = []
    y = top + _TITLE_HEIGHT
    names = list(folders)
    for start in range(0, len(names), _COLUMNS):
        row = names[start : start + _COLUMNS]
        texts = [_box_lines(package, name, folders[name]) for name in row]
        height = 26 + _LINE_HEIGHT * max(map(len, texts)) + 4
        for column, (name, lines) in enumerate(zip(row, texts, strict=True)):
            x = 2 * _MARGIN + column * (_BOX_WIDTH + _GAP)
            parts.append(rectangle("box", x, y, _BOX_WIDTH, height))
            parts.append(text_line("name", x + 10, y + 19, f"{name}/"))
            parts += _lines(x + 10, y + 36, lines)
        y += height + _GAP
    lines = textwrap.wrap(", ".join(f"{name}.py" for name in single), _BAND_CHARACTERS)
    parts += _lines(2 * _MARGIN, y + 10, lines)
    y += _LINE_HEIGHT * len(lines) + (10 if lines else 0)
    height = y - top
    heading = [
        rectangle("band", _MARGIN, top, _BAND_WIDTH, height),
        text_line("package", 2 * _MARGIN, top + 23, f"{package}/"),
        text_line("small", 2 * _MARGIN + 150, top + 22, _summary(package)),
    ]
    return heading + parts, height


def _summary(package: str) -> str:
    """Returns the packages imported by a package, in words."""
    return "imports " + (
        ", ".join(f"{target}/" for target in _used_by(package)) or "nothing of ours"
    )


def _used_by(package: str) -> list[str]:
    """Returns the packages further down imported by a package."""
    below = PACKAGES[PACKAGES.index(package) + 1 :]
    return [target for target in below if imports_package(package, target)]


def _is_folder(package: str, name: str) -> bool:
    return (ROOT / package / name).is_dir()


def _box_lines(package: str, name: str, imported: set[str]) -> list[str]:
    """Returns the lines of a subpackage's box: its imports from the same package."""
    if not imported:
        return ["imports nothing beside it"]
    shown = (f"{other}/" if _is_folder(package, other) else other for other in sorted(imported))
    return textwrap.wrap(f"imports {', '.join(shown)}", _BOX_CHARACTERS)


def _arrows(bands: dict[str, tuple[int, int]]) -> Iterator[str]:
    """Draws an arrow for each import of one package by another."""
    left = _MARGIN + _BAND_WIDTH
    # The shortest arrows are innermost, so few cross.
    pairs = sorted(
        ((source, target) for source in PACKAGES for target in _used_by(source)),
        key=lambda pair: bands[pair[1]][0] - bands[pair[0]][1],
    )
    leaving, arriving = dict.fromkeys(PACKAGES, 0), dict.fromkeys(PACKAGES, 0)
    for column, (source, target) in enumerate(pairs):
        x = left + 22 + 12 * column
        start = bands[source][1] - 12 - 11 * leaving[source]
        end = bands[target][0] + 12 + 11 * arriving[target]
        leaving[source] += 1
        arriving[target] += 1
        yield f'<path class="arrow" d="M {left} {start} H {x} V {end} H {left + 7}"/>'
        yield f'<path class="head" d="M {left} {end} l 8 -4 v 8 z"/>'


def rectangle(style: str, x: int, y: int, width: int, height: int) -> str:
    return f'<rect class="{style}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'


def text_line(style: str, x: int, y: int, text: str) -> str:
    return f'<text class="{style}" x="{x}" y="{y}">{escape(text)}</text>'


def _lines(x: int, y: int, lines: list[str]) -> list[str]:
    return [text_line("small", x, y + _LINE_HEIGHT * i, line) for i, line in enumerate(lines)]


def main(picture: Path = PICTURE) -> None:
    """Writes the picture."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(draw_architecture(), encoding="utf-8")


if __name__ == "__main__":
    main()
