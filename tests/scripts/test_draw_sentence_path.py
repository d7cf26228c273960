"""The picture of a sentence's path shows the steps of the page."""

import pytest

from scripts.draw_sentence_path import PAGE, PICTURE, ROOT, draw_sentence_path, read_paths


def test_the_picture_in_the_documentation_is_up_to_date():
    # If it fails: `make pictures`.
    assert PICTURE.read_text(encoding="utf-8") == draw_sentence_path()


def test_every_step_is_read_with_its_files():
    paths = read_paths(PAGE.read_text(encoding="utf-8"))
    assert {heading: len(steps) for heading, steps in paths.items()} == {
        "In training": 6,
        "In serving": 5,
    }
    for step in (step for steps in paths.values() for step in steps):
        assert all((ROOT / name).exists() for name in step.files)


def test_a_page_without_steps_is_an_error():
    with pytest.raises(ValueError, match="no section"):
        read_paths("# Architecture")
    with pytest.raises(ValueError, match="names no file"):
        read_paths("## The way of a sentence\n\nIn training:\n\n1. Something happens.\n")
