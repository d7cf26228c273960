import io
import json
import sys

import pytest
import typer
from typer.testing import CliRunner

from pipeline.commands import score as score_command
from pipeline.errors import UserError
from tests.serving.standin_model import export_standin


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return export_standin(tmp_path_factory.mktemp("standin") / "model")


@pytest.fixture(scope="module")
def score(model):
    """Runs the command on its arguments; errors are raised."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(score_command.score)

    def run(*arguments: str, stdin: bytes = b"") -> str:
        result = CliRunner().invoke(app, [*arguments, "--model", model], input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_each_pair_has_one_number(score):
    # The stand-in gives each token -0.1 in the score, the end symbol among them.
    assert score("a", "b", "--target", "x", "--target", "x y z") == "-0.200000\n-0.400000\n"


def test_tokens_come_with_their_log_probabilities(score):
    assert score("a", "--target", "x y", "--tokens") == (
        "-0.300000 ||| ▁x -0.5000 ▁y -0.5000 </s> -0.5000\n"
    )


@pytest.mark.parametrize(("is_terminal", "token"), [(True, "\u2067▁של\u2069"), (False, "▁של")])
def test_right_to_left_tokens_are_isolated_on_a_terminal(model, monkeypatch, is_terminal, token):
    output = io.StringIO()
    monkeypatch.setattr(output, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stdout", output)
    score_command.score(["a"], targets=["של"], tokens=True, model=model)
    assert output.getvalue().split()[2] == token


def test_json_has_the_sum_and_each_token(score):
    assert json.loads(score("a", "--target", "x y", "--json")) == {
        "source": "a",
        "target": "x y",
        "score": -0.3,
        "log_probability": -1.5,
        "tokens": ["▁x", "▁y", "</s>"],
        "token_log_probability": [-0.5, -0.5, -0.5],
        "truncated": False,
    }


def test_files_are_scored_line_by_line_and_blank_lines_stay_blank(score, tmp_path):
    (tmp_path / "source").write_text("a\n\nb\n", encoding="utf-8")
    (tmp_path / "target").write_text("x\n\nx y\n", encoding="utf-8")
    options = ("--input", str(tmp_path / "source"), "--target-input", str(tmp_path / "target"))
    assert score(*options) == "-0.200000\n\n-0.300000\n"
    assert [json.loads(line)["score"] for line in score(*options, "--json").splitlines()] == [
        -0.2,
        None,
        -0.3,
    ]


def test_a_file_may_be_the_translation_of_standard_input(score, tmp_path):
    (tmp_path / "target").write_text("x\n", encoding="utf-8")
    assert score("--target-input", str(tmp_path / "target"), stdin=b"a\n") == "-0.200000\n"


def test_without_a_translation_the_sentence_shows_how(score):
    with pytest.raises(UserError, match="--target-input"):
        score("a")
