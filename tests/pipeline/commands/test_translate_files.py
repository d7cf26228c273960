from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from pipeline.commands import translate as translate_command
from pipeline.errors import UserError
from tests.serving.standin_model import export_standin

PO = """\
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "the cat"
msgstr ""

#, fuzzy
msgid "mat"
msgstr "Mappe"

msgid "on"
msgstr "auf"
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(export_standin(tmp_path_factory.mktemp("model") / "1"))


def run(model: str, *arguments: str, stdin: bytes = b"") -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(translate_command.translate)
    result = CliRunner().invoke(app, [*arguments, "--model", model], input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def put(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_a_file_is_filled_in_its_place_and_counted(model: str, tmp_path: Path) -> None:
    path = put(tmp_path, "de.po", PO)
    result = run(model, "--input", path, "--output", path)
    filled = PO.replace(
        'msgid "the cat"\nmsgstr ""', '#, fuzzy\nmsgid "the cat"\nmsgstr "die Katze"'
    )
    assert Path(path).read_text(encoding="utf-8") == filled
    assert result.stdout == ""
    assert "nmt: de.po: 1 filled, 1 fuzzy, 1 translated; --fuzzy fills fuzzy ones" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["de.po"]
    run(model, "--fuzzy", "--input", path, "--output", path)
    assert 'msgstr "Matte"' in Path(path).read_text(encoding="utf-8")


def test_without_an_output_the_file_is_printed(model: str, tmp_path: Path) -> None:
    path = put(tmp_path, "a.md", "# The cat\n\n```\nmat\n```\n")
    assert run(model, "--input", path).stdout == "# die Katze\n\n```\nmat\n```\n"
    assert run(model, "--input", "-", "--format", "md", stdin=b"- cat\n").stdout == "- Katze\n"


def test_a_file_of_a_format_may_be_taken_as_lines(model: str, tmp_path: Path) -> None:
    path = put(tmp_path, "a.md", "cat\nmat\n")
    assert run(model, "--input", path, "--format", "lines").stdout == "Katze\nMatte\n"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "a.docx",
            [],
            "a.docx is in a format that nmt cannot fill; it fills po, xlf, .*--format l",
        ),
        ("a.po", ["--format", "nope"], "There is no format 'nope'; give one of po, xlf"),
        ("a.po", ["--attention"], "--attention is for text, but --input is PO"),
        ("a.json", ["--fuzzy"], "--fuzzy is for files with both languages, but JSON has one"),
        ("a.txt", ["--fuzzy"], "--fuzzy is for files such as PO and XLIFF"),
        ("a.po", ["--output", "/nowhere/de.po"], "'/nowhere/de.po' cannot be written"),
        ("a.po", [], "Line 1 of .*a.po is no PO"),
        ("a.md", ["--format", "ts"], "Line 1 of .*a.md is not well-formed XML"),
    ],
)
def test_what_does_not_fit_is_a_sentence(
    model: str, tmp_path: Path, name: str, options: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        run(model, "--input", put(tmp_path, name, "cat\n"), *options)
    with pytest.raises(UserError, match="'missing.po' cannot be read"):
        run(model, "--input", "missing.po")
    with pytest.raises(UserError, match="--format is the format of --input"):
        run(model, "cat", "--format", "po")
