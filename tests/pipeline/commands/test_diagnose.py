import json

import pytest
import typer
from typer.testing import CliRunner

from pipeline.commands import diagnose as diagnose_command
from tests.serving.standin_model import export_standin


@pytest.fixture(scope="module")
def diagnose(tmp_path_factory):
    """Runs the command on its arguments; errors are raised."""
    model = export_standin(tmp_path_factory.mktemp("standin") / "model")
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(diagnose_command.diagnose)

    def run(*arguments: str, stdin: bytes = b"") -> str:
        result = CliRunner().invoke(app, [*arguments, "--model", model], input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


# The stand-in looks at the word of the same number, and beyond the last at the end symbol.
SHORT = ("the cat is", "--target", "die Katze ist da vorne heute und morgen")


def test_the_share_of_each_pattern_is_printed(diagnose):
    rows = [line.split()[:3] for line in diagnose(stdin=b"the cat is\n\nmat\n").splitlines()]
    assert rows[1:5] == [
        ["diagonal", "2", "100.0%"],
        ["spread", "0", "0.0%"],
        ["reordering", "0", "0.0%"],
        ["spurious", "0", "0.0%"],
    ]
    assert len(rows) == 5


def test_sentences_with_findings_are_listed_with_their_lines(diagnose):
    shown = diagnose(*SHORT).splitlines()[-3:]
    assert shown[0].startswith("line 1, score -0.90: spurious")
    assert [line.strip() for line in shown[1:]] == [SHORT[0], SHORT[2]]


def test_right_to_left_text_is_isolated_in_the_list(diagnose):
    source, target = "apt הוא", "די קאט איז דא הנה היום"
    shown = diagnose(source, "--target", target).splitlines()[-3:]
    assert shown[0].startswith("line 1, ")
    assert [line.strip() for line in shown[1:]] == [
        f"\u2067{source}\u2069", f"\u2067{target}\u2069",
    ]  # fmt: skip


def test_no_more_sentences_are_listed_than_asked_for(diagnose):
    assert "line" not in diagnose(*SHORT, "--top", "0")


def test_json_has_the_same_facts(diagnose):
    answer = json.loads(diagnose(*SHORT, "--json"))
    assert answer["sentences"] == 1
    assert answer["patterns"]["spurious"] == {"sentences": 1, "share": 1.0}
    [worst] = answer["worth_reading"]
    assert (worst["line"], worst["pattern"], worst["targets"]) == (1, "spurious", 8)
    assert worst["astray"] == 0.625


def test_each_line_is_written_to_a_file_when_asked_for(diagnose, tmp_path):
    (tmp_path / "in").write_text("the cat\n\n...\n", encoding="utf-8")
    diagnose("--input", str(tmp_path / "in"), "--output", str(tmp_path / "out"))
    lines = (tmp_path / "out").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["pattern"] for line in lines] == ["diagonal", None, None]
    assert json.loads(lines[0])["translation"] == "die Katze"


def test_a_corpus_of_nothing_is_answered(diagnose):
    assert json.loads(diagnose("--json", stdin=b"\n"))["sentences"] == 0
