"""Colours for attention weights, on a light and on a dark background.

A scale is a straight line in Oklab (Björn Ottosson, "A perceptual color space for image
processing", 2020), where equal distances are perceived as equal: 0.1 more weight is the same change
of colour anywhere. The scale goes from the background to a blue, so mainly the lightness changes.
It is readable with any colour blindness and in grey print.
"""

from dataclasses import dataclass
from typing import NamedTuple

_LINEAR_BELOW = 0.0031308
_LINEAR_CODES_BELOW = 0.04045


class Rgb(NamedTuple):
    """A colour in sRGB, each channel 0 to 255."""

    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"


BLACK, WHITE = Rgb(0, 0, 0), Rgb(255, 255, 255)


class Oklab(NamedTuple):
    """A colour in Oklab: lightness 0 to 1, green to red, blue to yellow."""

    lightness: float
    a: float
    b: float


@dataclass(frozen=True)
class Scale:
    """A line of colours from weight 0 to weight 1."""

    lowest: Rgb
    highest: Rgb

    def colour(self, weight: float) -> Rgb:
        """Returns the colour of a weight, 0 to 1."""
        start, end = to_oklab(self.lowest), to_oklab(self.highest)
        return to_rgb(Oklab(*(x + weight * (y - x) for x, y in zip(start, end, strict=True))))

    def ink(self, weight: float) -> Rgb:
        """Returns black or white, the more readable one on the colour of a weight.

        The product of their contrasts to any colour is 21, so the better one has at least 4.58,
        above the 4.5 required by WCAG 2.2 (success criterion 1.4.3).
        """
        ground = self.colour(weight)
        return max(BLACK, WHITE, key=lambda ink: contrast(ink, ground))


LIGHT = Scale(lowest=Rgb(255, 255, 255), highest=Rgb(9, 66, 158))
DARK = Scale(lowest=Rgb(22, 26, 33), highest=Rgb(128, 190, 255))


def contrast(one: Rgb, other: Rgb) -> float:
    """Returns the contrast of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def to_oklab(colour: Rgb) -> Oklab:
    """Converts from sRGB, with Ottosson's matrices."""
    red, green, blue = map(_linear, colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return Oklab(
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def to_rgb(colour: Oklab) -> Rgb:
    """Converts to sRGB; a colour outside gets the nearest value of each channel."""
    lightness, a, b = colour
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return Rgb(
        _code(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
        _code(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
        _code(-0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short),
    )


def _luminance(colour: Rgb) -> float:
    red, green, blue = map(_linear, colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(code: int) -> float:
    """Returns the linear light of a channel, 0 to 1 (IEC 61966-2-1)."""
    value = code / 255
    if value <= _LINEAR_CODES_BELOW:
        return value / 12.92
    return float(((value + 0.055) / 1.055) ** 2.4)


def _code(light: float) -> int:
    if light <= _LINEAR_BELOW:
        value = 12.92 * light
    else:
        value = 1.055 * light ** (1 / 2.4) - 0.055
    return round(255 * min(max(value, 0.0), 1.0))
