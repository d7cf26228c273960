import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from pipeline.commands import bulk, chosen_model
from pipeline.commands import translate as translate_command
from pipeline.commands.answer_lines import DoubtfulLines
from pipeline.errors import RunFailedError, UserError
from serving.contract.translation import Translation
from serving.local.parallel_translation import WorkerError
from serving.versions.integrity import DamagedVersionError
from serving.versions.push import push
from serving.versions.store import LocalStore
from tests.serving.standin_model import export_standin
from text.glossary import GlossaryError

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> str:
    """A workspace in which versions 7 and 12 of the default model were pushed."""
    root = tmp_path_factory.mktemp("workspace")
    for version in ("7", "12"):
        export_standin(root / "models" / "debian" / version)
    return str(root)


@pytest.fixture
def nmt(workspace):
    """Runs the command on its arguments; errors are raised."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(translate_command.translate)

    def run(*arguments: str, stdin: bytes = b"", where: str = workspace) -> str:
        result = CliRunner().invoke(app, [*arguments, "--workspace", where], input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_a_text_is_translated(nmt):
    assert nmt("The cat is on the mat") == "die Katze ist auf die Matte\n"


def test_each_argument_gets_one_line_in_order(nmt):
    assert nmt("the mat is on", "cat", "mat") == "die Matte ist auf\nKatze\nMatte\n"


@pytest.mark.parametrize("arguments", [(), ("-",), ("--input", "-")])
def test_standard_input_is_translated_line_by_line(nmt, arguments):
    assert nmt(*arguments, stdin=b"the cat\n\nmat\n") == "die Katze\n\nMatte\n"


def test_empty_and_blank_lines_stay_empty_lines(nmt):
    assert nmt(stdin=b"\n  \t\n\xe3\x80\x80\ncat") == "\n\n\nKatze\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(b"cat\ncaf\xe9 mat\n", "Line 2 .* WINDOWS-1252"), ("cat".encode("utf-16"), "1 .* UTF-16:")],
)
def test_text_of_another_encoding_is_refused_by_its_name(nmt, text, encoding):
    with pytest.raises(UserError, match=f"{encoding}.*iconv"):
        nmt(stdin=text)
    with pytest.raises(UserError, match="Text 1 is not UTF-8"):
        nmt("caf\udce9")


def test_a_line_with_nul_and_control_characters_is_answered(nmt):
    assert len(nmt(stdin=b"a\x00b\x1b[31m\ncat\n").splitlines()) == 2


def test_files_are_translated_into_files(nmt, tmp_path):
    (tmp_path / "in").write_bytes(b"cat\r\n\r\nthe mat")
    assert nmt("--input", str(tmp_path / "in"), "--output", str(tmp_path / "out")) == ""
    assert (tmp_path / "out").read_bytes() == b"Katze\n\ndie Matte\n"


def test_more_lines_than_a_chunk_keep_their_order(nmt):
    lines = [f"word{number} cat" for number in range(100)]
    answer = nmt("--batch-size", "2", stdin="\n".join(lines).encode())
    assert answer.splitlines() == [line.replace("cat", "Katze") for line in lines]


def test_the_sentences_of_a_line_are_translated_one_by_one(nmt):
    line = "The cat . The mat ."
    assert nmt(line) == "die Katze . die Matte .\n"
    answer = json.loads(nmt(line, "--json", "--n-best"))
    assert [each["source"] for each in answer["sentences"]] == ["The cat .", "The mat ."]
    assert [each["n_best"][1]["translation"] for each in answer["sentences"]] == [
        "DIE KATZE .",
        "DIE MATTE .",
    ]
    assert len(answer["attention"]) == len(answer["target_tokens"])


LOOP = "on auf on mat"
"""The stand-in answers `auf auf auf Matte`."""


def test_json_holds_the_warnings_of_each_line(nmt):
    answer = nmt("--json", "cat", "", LOOP, f"The cat. {LOOP}")
    assert [json.loads(line)["warnings"] for line in answer.splitlines()] == [
        [],
        [],
        ["repeats itself"],
        ["repeats itself (sentence 2)"],
    ]


def test_doubtful_lines_are_named_on_standard_error(workspace):
    app = typer.Typer()
    app.command()(translate_command.translate)
    lines = "\n".join(["cat", "", *[LOOP] * 12])
    result = CliRunner().invoke(app, ["--workspace", workspace], input=lines)
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 14)
    assert result.stderr.splitlines() == [
        *(f"nmt: line {number}: doubtful: repeats itself" for number in range(3, 13)),
        "nmt: 2 more doubtful lines; --json marks all of them",
    ]


def test_a_cut_sentence_fails_the_command_after_its_output(nmt, tmp_path):
    (tmp_path / "in").write_text("cat\n" + "cat " * 100 + "\nmat\n", encoding="utf-8")
    with pytest.raises(RunFailedError, match="cut at the model's limit in line 2: divide it"):
        nmt("--input", str(tmp_path / "in"), "--output", str(tmp_path / "out"))
    assert len((tmp_path / "out").read_text(encoding="utf-8").splitlines()) == 3


def test_a_file_can_be_replaced_by_its_own_translation(nmt, tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"cat\n")
    nmt("--input", str(path), "--output", str(path))
    assert path.read_bytes() == b"Katze\n"


def test_attention_follows_the_translation_as_a_table_of_words(nmt):
    lines = nmt("the cat", "--attention").splitlines()
    assert lines[0] == "die Katze"
    assert lines[2].split() == ["the", "cat", "(end)"]
    # The stand-in puts 0.9 on the word itself and spreads 0.1 over three tokens.
    assert lines[3].split() == ["die", "0.93", "0.03", "0.03"]


def test_the_table_of_tokens_shows_the_end_symbols(nmt):
    lines = nmt("the cat", "--tokens").splitlines()
    assert lines[2].split() == ["▁the", "▁cat", "</s>"]


def test_hypotheses_are_numbered_by_their_input_line(nmt):
    assert nmt("--n-best", stdin=b"cat\nmat\n").splitlines() == [
        "0 ||| Katze ||| -0.200000",
        "0 ||| KATZE ||| -1.200000",
        "1 ||| Matte ||| -0.200000",
        "1 ||| MATTE ||| -1.200000",
    ]


def test_json_is_one_object_per_line_with_tokens_and_attention(nmt):
    first, second = map(json.loads, nmt("--json", stdin=b"the cat\n\n").splitlines())
    assert first["translation"] == "die Katze"
    assert first["target_tokens"] == ["▁die", "▁Katze", "</s>"]
    assert [len(row) for row in first["attention"]] == [3, 3, 3]
    assert (second["source"], second["translation"], second["attention"]) == ("", "", [])


def test_json_holds_the_hypotheses_when_asked_for(nmt):
    answer = json.loads(nmt("cat", "--json", "--n-best"))
    assert [hypothesis["translation"] for hypothesis in answer["n_best"]] == ["Katze", "KATZE"]


def test_json_has_null_for_a_score_that_is_no_number(nmt, tmp_path):
    model = export_standin(tmp_path / "model", "nan_score")
    assert json.loads(nmt("cat", "--json", "--model", model))["score"] is None


@pytest.fixture
def loaded(monkeypatch) -> list[str]:
    """The folders that models are loaded from."""
    folders: list[str] = []
    original = chosen_model.LocalModel

    def load(folder, batch_size):
        folders.append(Path(folder).name)
        return original(folder, batch_size)

    monkeypatch.setattr(chosen_model, "LocalModel", load)
    return folders


def test_the_highest_version_is_live(nmt, loaded):
    nmt("cat")
    assert loaded == ["12"]


def test_another_version_can_be_named(nmt, loaded):
    nmt("cat", "--version", "7")
    assert loaded == ["7"]


def test_a_folder_of_versions_can_be_given(nmt, loaded, workspace):
    nmt("cat", "--model", f"{workspace}/models/debian", "--version", "7")
    assert loaded == ["7"]


def test_without_a_model_the_sentence_says_how_to_train_one(nmt, tmp_path):
    command = f"nmt run --config multi30k --workspace {tmp_path}"
    with pytest.raises(UserError, match=f"train one with `{command}` first"):
        nmt("cat", "--config", "multi30k", where=str(tmp_path))


def test_a_version_that_does_not_exist_is_refused_with_those_that_do(nmt):
    with pytest.raises(UserError, match=r"no version 8 .* it holds 7, 12"):
        nmt("cat", "--version", "8")


def test_a_damaged_model_is_the_users_to_fix(nmt, tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"damaged")
    with pytest.raises(UserError, match="cannot be loaded"):
        nmt("cat", "--model", str(tmp_path))


def test_a_model_that_fails_leaves_no_half_written_file(nmt, tmp_path):
    model = export_standin(tmp_path / "model", "fails_on_long_text")
    (tmp_path / "in").write_text("cat " * 1000, encoding="utf-8")
    arguments = ("--input", str(tmp_path / "in"), "--output", str(tmp_path / "out"))
    with pytest.raises(RunFailedError, match="assertion failed"):
        nmt(*arguments, "--model", model)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "model"]


def test_several_processes_write_what_one_writes(nmt, tmp_path):
    lines = ["", *(f"the cat {number}" for number in range(70)), " ", "mat"]
    (tmp_path / "in").write_text("\n".join(lines), encoding="utf-8")
    written = []
    for workers in ("1", "2"):
        output = tmp_path / f"out{workers}"
        arguments = ("--input", str(tmp_path / "in"), "--output", str(output))
        assert nmt(*arguments, "--batch-size", "2", "--workers", workers) == ""
        written.append(output.read_text(encoding="utf-8"))
    assert written[0] == written[1]
    assert written[1].splitlines() == [
        "",
        *(f"die Katze {number}" for number in range(70)),
        "",
        "Matte",
    ]


def test_a_damaged_model_is_the_users_to_fix_with_several_processes_too(nmt, tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"damaged")
    with pytest.raises(UserError, match="cannot be loaded"):
        nmt("cat", "--workers", "2", "--model", str(tmp_path))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_translations_have_the_terms_of_a_glossary(nmt, tmp_path, workers):
    (tmp_path / "terms.tsv").write_text("cat\tKater\nmat\tTeppich\n", encoding="utf-8")
    arguments = ("--glossary", str(tmp_path / "terms.tsv"), "--workers", workers)
    assert nmt("the cat is on the mat", *arguments) == "die Kater ist auf die Teppich\n"


def test_a_glossary_is_read_before_the_model(nmt):
    with pytest.raises(GlossaryError, match="'/nowhere/at-all' cannot be read"):
        nmt("cat", "--glossary", "/nowhere/at-all", "--model", "/nowhere/at-all")


def test_a_process_that_ended_leaves_no_half_written_file(nmt, tmp_path, monkeypatch):
    nothing = Translation(
        text="",
        score=0.0,
        source_tokens=(),
        target_tokens=(),
        attention=np.zeros((0, 0)),
        truncated=False,
    )

    def translate_in_parallel(folder, chunks, **options):
        yield [nothing] * len(next(iter(chunks)))
        raise WorkerError("A process ended.")

    monkeypatch.setattr(bulk, "translate_in_parallel", translate_in_parallel)
    (tmp_path / "in").write_text("cat\n" * 100, encoding="utf-8")
    arguments = ("--input", str(tmp_path / "in"), "--output", str(tmp_path / "out"))
    with pytest.raises(RunFailedError, match="A process ended."):
        nmt(*arguments, "--workers", "2", "--batch-size", "1")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("cat", "--input", "file"), "not both"),
        (("--input", "/nowhere/at-all"), "cannot be read"),
        (("--input", "/"), "cannot be read"),
        (("cat", "--output", "/nowhere/at-all"), "cannot be written"),
        (("cat", "--output", "/"), "cannot be written"),
        (("cat", "--config", "klingon"), "no configuration 'klingon'"),
        (("cat", "--model", "/nowhere/at-all"), "There is no model in /nowhere/at-all"),
        (("cat", "--workspace", "gs://bucket"), "remote"),
    ],
)
def test_what_the_user_can_fix_is_a_sentence(nmt, arguments, sentence, workspace):
    where = arguments[-1] if "--workspace" in arguments else workspace
    with pytest.raises(UserError, match=sentence):
        nmt(*arguments, where=where)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("output", "line"), [(io.StringIO, "0 ||| של ||| "), (Terminal, "0 ||| \u2067של\u2069 ||| ")]
)
def test_a_right_to_left_translation_is_isolated_from_its_score_on_a_terminal_only(
    workspace, monkeypatch, output, line
):
    shown = output()
    monkeypatch.setattr(sys, "stdout", shown)
    translate_command.translate(["של"], n_best=True, workspace=workspace)
    assert shown.getvalue().startswith(line)
    monkeypatch.setattr(sys, "stdout", plain := output())
    translate_command.translate(["של"], workspace=workspace)
    assert plain.getvalue() == "של\n"


def test_right_to_left_words_in_a_doubt_are_isolated(capsys):
    doubtful = DoubtfulLines()
    doubtful.add(1, ["perhaps not translated: של, apt", "low score"])
    doubtful.show()
    assert capsys.readouterr().err == (
        "nmt: line 1: doubtful: perhaps not translated: \u2067של\u2069, apt; low score\n"
    )


def test_an_empty_terminal_is_told_what_to_type(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal())
    with pytest.raises(UserError, match="Nothing to translate"):
        translate_command.translate()


def test_a_terminal_without_unicode_gets_question_marks(workspace):
    program = (
        "from pipeline.commands.translate import translate; "
        f"translate(['caf\\u00e9 \\u2603'], workspace={workspace!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
        capture_output=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"caf? ?\n", b"")


def test_a_damaged_live_model_translates_nothing(nmt, tmp_path):
    export = Path(export_standin(tmp_path / "export"))
    (export / "assets/subwords.txt").write_text("a b c d", encoding="utf-8")
    folder = tmp_path / "models" / "debian"
    version = Path(str(push(str(export), str(folder), LocalStore(), keep=2).path))
    assert nmt("cat", where=str(tmp_path)) == "Katze\n"
    (version / "assets/subwords.txt").write_text("a b", encoding="utf-8")
    for chosen in (("--workspace", str(tmp_path)), ("--model", str(version))):
        with pytest.raises(DamagedVersionError, match="assets/subwords.txt is not the file"):
            nmt("cat", *chosen, where=str(tmp_path))
