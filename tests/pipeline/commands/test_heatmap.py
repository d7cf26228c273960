import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pipeline.commands import heatmap as heatmap_command
from pipeline.errors import UserError
from serving.heatmap import fonts
from tests.serving.standin_model import export_standin

BEGINNINGS = {".png": b"\x89PNG\r\n", ".svg": b"<?xml", ".html": b"<!doctype html>"}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return export_standin(tmp_path_factory.mktemp("standin") / "model")


@pytest.fixture
def heatmap(model):
    """Runs the command on its arguments; errors are raised."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(heatmap_command.heatmap)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, [*arguments, "--model", model])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_without_a_file_it_is_drawn_here_below_the_translation(heatmap):
    lines = heatmap("the cat").splitlines()
    assert lines[0] == "die Katze"
    assert lines[2].split() == ["the", "cat", "(end)"]
    assert lines[3].split() == ["die", "0.93", "0.03", "0.03"]


def test_a_given_translation_is_shown(heatmap):
    assert heatmap("the cat", "--target", "x [b]y[/b]").splitlines()[0] == "x [b]y[/b]"


def test_subwords_are_shown_when_asked_for(heatmap):
    assert heatmap("the", "--tokens").splitlines()[2].split() == ["▁the", "</s>"]


@pytest.mark.parametrize("ending", BEGINNINGS)
def test_the_name_of_the_file_says_what_is_drawn(heatmap, tmp_path, ending):
    path = tmp_path / f"picture{ending.upper()}"
    assert heatmap("the cat", "-o", str(path)) == ""
    assert path.read_bytes().startswith(BEGINNINGS[ending])


def test_the_page_tells_the_languages_of_the_model(heatmap, model, tmp_path):
    card = Path(model, "assets.extra/model_card.json")
    card.parent.mkdir(exist_ok=True)
    card.write_text(json.dumps({"source_language": "en", "target_language": "de"}), "utf-8")
    heatmap("the cat", "-o", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<dd lang="en" dir="ltr">the cat</dd>' in page
    assert '<dd lang="de" dir="ltr">die Katze</dd>' in page


def test_letters_that_no_font_has_are_told_of(heatmap, tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "_installed", list)
    shown = heatmap("the ไทย", "-o", str(tmp_path / "picture.png"))
    assert "so they are boxes: Thai (Debian's fonts-noto-core)" in shown
    assert (tmp_path / "picture.png").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("the cat", "-o", "picture.gif"), "none of .png, .svg, .html"),
        (("the cat", "-o", "picture"), "none of"),
        (("the cat", "-o", "/nowhere/at-all/a.png"), "cannot be written"),
        ((" ",), "text is empty"),
        (("a " * 300, "--target", "b " * 200, "-o", "a.png"), "has 200 rows of 301 cells, and"),
        (("the cat", "--target", ""), "text is empty"),
    ],
)
def test_what_the_user_can_fix_is_a_sentence(heatmap, arguments, sentence):
    with pytest.raises(UserError, match=sentence):
        heatmap(*arguments)
