"""The screenshots of the documentation, with small stand-ins for the model."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.image
import numpy as np
import pytest

from scripts import chromium
from scripts.take_screenshots import take_page, take_report, take_tensorboard, take_terminal
from tests.serving.web.dictionary_server import dictionary_server, page_settings, running_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, pytest.mark.skipif(chromium.IS_MISSING, reason=chromium.REASON)]


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium.running_browser() as browser:
        yield browser


def pixels(picture: Path) -> np.ndarray:
    return matplotlib.image.imread(picture)[..., :3]


def colours(picture: Path) -> int:
    return len(np.unique(pixels(picture).reshape(-1, 3), axis=0))


def test_the_page_is_shown_with_one_word_pointed_at(browser: "Browser", tmp_path: Path) -> None:
    pictures = [tmp_path / "cat.png", tmp_path / "on.png"]
    with (
        dictionary_server(tmp_path) as server,
        running_page(page_settings(server.port)) as address,
    ):
        for picture in pictures:
            panel = picture.with_suffix(".panel.png")
            take_page(browser, address, picture, "the cat is on the mat.", picture.stem, panel)
            assert pixels(panel).shape < pixels(picture).shape
    cat, on = map(pixels, pictures)
    assert cat.shape == on.shape
    differs = (cat != on).any(axis=(1, 2))
    assert 0 < differs.mean() < 0.5  # the words and the line below them


def test_a_terminal_is_as_large_as_its_text_and_holds_a_picture(
    browser: "Browser", tmp_path: Path
) -> None:
    short, long, both = (tmp_path / f"{name}.png" for name in ("short", "long", "both"))
    take_terminal(browser, "one line", short)
    take_terminal(browser, "two lines\n" + 60 * "long ", long)
    take_terminal(browser, "one line", both, picture=long, height=300)
    assert pixels(long).shape > pixels(short).shape
    height, width, _ = pixels(both).shape
    assert height >= 300
    assert width > pixels(short).shape[1] + 300


def test_a_report_is_shown(browser: "Browser", tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("<body style='background: #123456'><h1>BLEU</h1>", encoding="utf-8")
    take_report(browser, report, tmp_path / "report.png")
    corner = pixels(tmp_path / "report.png")[-1, -1]
    np.testing.assert_allclose(corner * 255, (0x12, 0x34, 0x56), atol=1)


def test_the_curves_of_a_training_are_shown(browser: "Browser", tmp_path: Path) -> None:
    import tensorflow as tf

    with tf.summary.create_file_writer(str(tmp_path / "logs")).as_default():
        for step in range(5):
            tf.summary.scalar("loss", 5 - step, step)
    take_tensorboard(browser, tmp_path / "logs", tmp_path / "tensorboard.png")
    assert colours(tmp_path / "tensorboard.png") > 100
