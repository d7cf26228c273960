"""Finds fonts for the letters of a picture among those that are installed.

DejaVu Sans, which comes with matplotlib, has the letters of many scripts. Each other script gets
the font with most of its letters, Noto's among equals. Matplotlib remembers a list of fonts, but a
font that was just installed shall count, so they are sought anew.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from serving.heatmap.matrix import Heatmap

_FIRST = "DejaVu Sans"


class Script(NamedTuple):
    """A script, and a package of Debian with a font for it."""

    name: str
    package: str


_CHINESE = Script("Chinese", "fonts-noto-cjk")
_JAPANESE = Script("Japanese", "fonts-noto-cjk")
_BY_NAME = {
    "CJK": _CHINESE,
    "IDEOGRAPHIC": _CHINESE,
    "FULLWIDTH": _CHINESE,
    "HIRAGANA": _JAPANESE,
    "KATAKANA": _JAPANESE,
    "KATAKANA-HIRAGANA": _JAPANESE,
    "HANGUL": Script("Korean", "fonts-noto-cjk"),
}
"""Scripts by the first word of a character's name."""
_SYMBOLS = Script("symbols", "fonts-symbola")  # emoji in one colour: matplotlib cannot draw several
_PACKAGE_OF_OTHERS = "fonts-noto-core"


class Fonts(NamedTuple):
    """The fonts of a picture."""

    families: list[str]
    """For matplotlib: a letter is drawn with the first that has it."""
    missing: list[Script]
    """Scripts with letters that no installed font has."""


def find_fonts(heatmap: Heatmap) -> Fonts:
    """Finds fonts for all letters of a heatmap's words."""
    from matplotlib.font_manager import FontProperties, findfont

    words = (*heatmap.source, *heatmap.target)
    letters = {letter for word in words for letter in word if _is_drawn(letter)}
    letters -= _covered(findfont(FontProperties(family=_FIRST)), letters)
    by_script: defaultdict[Script, set[str]] = defaultdict(set)
    for letter in letters:
        by_script[_script(letter)].add(letter)
    coverage = {path: _covered(path, letters) for path in _installed()} if letters else {}
    fonts = Fonts([_FIRST], [])
    for script, wanted in sorted(by_script.items()):
        fonts.families.extend(map(_family, _chosen(coverage, wanted)))
        if wanted.difference(*coverage.values()):
            fonts.missing.append(script)
    return fonts


def missing_fonts(heatmap: Heatmap) -> str:
    """Names the scripts that no installed font has, with packages; empty if there are none."""
    missing = find_fonts(heatmap).missing
    return ", ".join(f"{name} (Debian's {package})" for name, package in missing)


def _chosen(coverage: dict[str, set[str]], wanted: set[str]) -> Iterable[str]:
    """Yields fonts, each with most of the letters that are left, until none has more."""
    left = wanted.intersection(set().union(*coverage.values()))
    while left:
        path = max(coverage, key=lambda path: len(coverage[path] & left))
        yield path
        left -= coverage[path]


def _is_drawn(character: str) -> bool:
    is_selector = "\ufe00" <= character <= "\ufe0f"
    return unicodedata.category(character)[0] not in "CZ" and not is_selector


def _script(letter: str) -> Script:
    name = unicodedata.name(letter, "").partition(" ")[0]
    if name in _BY_NAME:
        return _BY_NAME[name]
    is_letter = unicodedata.category(letter)[0] in "LMN"
    return Script(name.capitalize(), _PACKAGE_OF_OTHERS) if is_letter else _SYMBOLS


def _installed() -> list[str]:
    """Lists the files of fonts, the preferred ones first."""
    from matplotlib.font_manager import findSystemFonts

    def preference(path: str) -> tuple[bool, bool, bool, str]:
        name = Path(path).name
        return not name.startswith("Noto"), "Sans" not in name, "Regular" not in name, name

    return sorted(findSystemFonts(), key=preference)


def _covered(path: str, letters: Collection[str]) -> set[str]:
    """Returns those of some letters that a font has; none if matplotlib cannot draw with it."""
    from matplotlib.ft2font import FT2Font

    try:
        font = FT2Font(path)
    except (OSError, RuntimeError):
        return set()
    return {letter for letter in letters if font.scalable and font.get_char_index(ord(letter))}


def _family(path: str) -> str:
    """Returns the family of a font, after matplotlib knows it."""
    from matplotlib.font_manager import fontManager
    from matplotlib.ft2font import FT2Font

    family = FT2Font(path).family_name
    if family not in {font.name for font in fontManager.ttflist}:
        fontManager.addfont(path)
    return family
