import numpy as np
import pytest

from serving.heatmap.colours import (
    BLACK,
    DARK,
    LIGHT,
    WHITE,
    Rgb,
    contrast,
    to_oklab,
    to_rgb,
)

SCALES = pytest.mark.parametrize("scale", [LIGHT, DARK], ids=["light", "dark"])
WEIGHTS = np.linspace(0, 1, 101).tolist()


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        (WHITE, (1.0, 0.0, 0.0)),
        (BLACK, (0.0, 0.0, 0.0)),
        # From the test colours in Bevy's `bevy_color`.
        (Rgb(255, 0, 0), (0.6279554, 0.22486295, 0.1258463)),
        (Rgb(0, 0, 255), (0.4520137, -0.032456964, -0.31152815)),
    ],
)
def test_oklab_has_its_known_values(colour, expected):
    np.testing.assert_allclose(to_oklab(colour), expected, atol=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_there_and_back_is_the_same_colour(seed):
    colour = Rgb(*np.random.default_rng(seed).integers(0, 256, 3).tolist())
    assert to_rgb(to_oklab(colour)) == colour


@SCALES
def test_equal_steps_of_weight_are_equal_steps_for_the_eye(scale):
    points = np.array([to_oklab(scale.colour(weight)) for weight in np.linspace(0, 1, 11).tolist()])
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    # 8-bit codes round each colour a little.
    assert steps.max() / steps.min() < 1.15


@SCALES
def test_lightness_alone_tells_any_two_weights_apart(scale):
    lightness = [to_oklab(scale.colour(weight)).lightness for weight in np.linspace(0, 1, 21)]
    steps = np.diff(lightness)
    assert (steps < 0).all() or (steps > 0).all()


@SCALES
def test_the_scale_starts_and_ends_where_it_says(scale):
    assert (scale.colour(0), scale.colour(1)) == (scale.lowest, scale.highest)


@SCALES
def test_no_colour_of_the_scale_is_cut_to_what_a_screen_can_show(scale):
    for weight in WEIGHTS:
        start, end = to_oklab(scale.lowest), to_oklab(scale.highest)
        wanted = [a + weight * (b - a) for a, b in zip(start, end, strict=True)]
        np.testing.assert_allclose(to_oklab(scale.colour(weight)), wanted, atol=0.01)


@SCALES
def test_numbers_can_be_read_on_every_colour(scale):
    assert min(contrast(scale.ink(weight), scale.colour(weight)) for weight in WEIGHTS) >= 4.5


def test_contrast_goes_from_1_to_21():
    assert contrast(WHITE, WHITE) == 1
    assert contrast(BLACK, WHITE) == pytest.approx(21)


def test_colours_are_written_as_the_web_does():
    assert str(Rgb(0, 171, 255)) == "#00abff"
