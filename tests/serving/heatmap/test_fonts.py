from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from serving.heatmap import fonts
from serving.heatmap.fonts import find_fonts, missing_fonts
from serving.heatmap.matrix import Heatmap


def heatmap_of(*words: str) -> Heatmap:
    return Heatmap(words, ("x",), np.ones((1, len(words)), np.float32), False)


def write_font(folder: Path, family: str, letters: str) -> str:
    """Writes a font whose letters are all empty."""
    names = [".notdef", *(f"u{ord(letter):04X}" for letter in letters)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(letter): f"u{ord(letter):04X}" for letter in letters})
    builder.setupGlyf(dict.fromkeys(names, TTGlyphPen(None).glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (500, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    path = folder / f"{family.replace(' ', '')}-Regular.ttf"
    builder.save(path)
    return str(path)


@pytest.mark.parametrize(
    ("word", "missing"),
    [
        ("中文。", "Chinese (Debian's fonts-noto-cjk)"),
        ("カタカナ", "Japanese (Debian's fonts-noto-cjk)"),
        ("한국어", "Korean (Debian's fonts-noto-cjk)"),
        ("हिन्दी", "Devanagari (Debian's fonts-noto-core)"),
        ("ไทย", "Thai (Debian's fonts-noto-core)"),
        ("👨\u200d👩\u200d👧", "symbols (Debian's fonts-symbola)"),
        ("خواهم", ""),
        ("می\u200cخواهم שלום Käse ❤\ufe0f", ""),
    ],
)
def test_a_script_without_a_font_is_named_with_a_package(monkeypatch, word, missing) -> None:
    monkeypatch.setattr(fonts, "_installed", list)
    assert missing_fonts(heatmap_of(word)) == missing


def test_several_scripts_without_fonts_are_named_once(monkeypatch) -> None:
    monkeypatch.setattr(fonts, "_installed", list)
    assert missing_fonts(heatmap_of("ไทย", "中文", "中")) == (
        "Chinese (Debian's fonts-noto-cjk), Thai (Debian's fonts-noto-core)"
    )


def test_the_font_with_most_letters_of_a_script_comes_first(monkeypatch, tmp_path) -> None:
    installed = [
        write_font(tmp_path, "Test One", "ก"),
        write_font(tmp_path, "Test Most", "ไทย中"),
        write_font(tmp_path, "Test Rest", "กข"),
        __file__,  # no font
    ]
    monkeypatch.setattr(fonts, "_installed", lambda: installed)
    found = find_fonts(heatmap_of("ไทย", "กข"))
    assert found == (["DejaVu Sans", "Test Most", "Test Rest"], [])
    assert missing_fonts(heatmap_of("中国")) == "Chinese (Debian's fonts-noto-cjk)"


def test_noto_without_serifs_is_preferred(monkeypatch) -> None:
    files = ["/Unifont.ttf", "/NotoSerifThai-Regular.ttf", "/NotoSansThai-Bold.ttf"]
    monkeypatch.setattr(
        "matplotlib.font_manager.findSystemFonts", lambda: [*files, "/NotoSansThai-Regular.ttf"]
    )
    assert fonts._installed() == [
        "/NotoSansThai-Regular.ttf", "/NotoSansThai-Bold.ttf", "/NotoSerifThai-Regular.ttf",
        "/Unifont.ttf",
    ]  # fmt: skip
