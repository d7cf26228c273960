"""The heatmap of docs/serving.md shows the weights printed on the page."""

import re

import numpy as np
import pytest

from scripts.draw_heatmap import PAGE, PICTURE, draw_heatmap, printed_heatmap


def without_version(picture: bytes) -> bytes:
    return re.sub(rb"Matplotlib v[\d.]+", b"Matplotlib", picture)


def test_the_picture_in_the_documentation_is_up_to_date():
    # If it fails: `make pictures`.
    assert without_version(PICTURE.read_bytes()) == without_version(draw_heatmap())


def test_the_printed_weights_are_read_with_their_words():
    heatmap = printed_heatmap(PAGE.read_text(encoding="utf-8"))
    assert heatmap.source == ("The", "cat", "is", "on", "the", "mat", "(end)")
    assert heatmap.target == ("Die", "Katze", "ist", "auf", "der", "Matte.")
    assert heatmap.weights[5, 6] == np.float32(0.31)
    assert heatmap.weights[4, 0] == 0
    assert heatmap.has_end
    np.testing.assert_allclose(heatmap.weights.sum(axis=1), 1, atol=0.04)


def test_a_text_without_a_table_is_an_error():
    with pytest.raises(ValueError, match="nmt heatmap"):
        printed_heatmap("no table")
