import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from pipeline import cli
from pipeline.config import strict_yaml
from pipeline.config.settings import PipelineConfig, load_config
from pipeline.errors import RunFailedError, UserError
from pipeline.workspace import Workspace

ROOT = Path(cli.__file__).parents[1]
HEAVY = ("tensorflow", "tfx", "apache_beam", "keras", "numpy", "yaml")


def _install_run(monkeypatch: pytest.MonkeyPatch, run_pipeline: Any) -> None:
    """Puts a `pipeline.commands.run` in place that needs no TFX."""
    module = ModuleType("pipeline.commands.run")
    module.run_pipeline = run_pipeline  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pipeline.commands.run", module)


def _install_failing_run(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run_pipeline(*_: Any, **__: Any) -> int:
        raise error

    _install_run(monkeypatch, run_pipeline)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_loads_none_of_the_heavy_libraries(arguments: list[str]) -> None:
    program = (
        "import sys; from pipeline.cli import main; status = main(sys.argv[1:]);"
        f"found = sorted(set({HEAVY}) & set(sys.modules)); sys.exit(status or ' '.join(found) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_help_names_every_command_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    explaining = ("align", "score", "heatmap", "diagnose")
    for command in (
        "run",
        "translate",
        *explaining,
        "serve",
        "compile",
        "submit",
        "corpus",
        "models",
        "report",
        "config",
    ):
        assert f" {command} " in shown


def test_a_lazy_command_becomes_the_real_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def translate(text: str) -> None:
        typer.echo(text.upper())

    module = ModuleType("pipeline.commands.translate")
    module.translate = translate  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pipeline.commands.translate", module)
    assert cli.main(["translate", "hallo"]) == 0
    assert capsys.readouterr().out == "HALLO\n"


def test_run_hands_over_the_resolved_configuration_and_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def run_pipeline(
        config: PipelineConfig, workspace: Workspace, *, runner: str, as_json: bool
    ) -> int:
        seen.extend([config, workspace, runner, as_json])
        return 0

    _install_run(monkeypatch, run_pipeline)
    arguments = ["run", "--config", "multi30k", "--set", "seed=2", "--set", "training.epochs=3"]
    options = ["--workspace", str(tmp_path), "--runner", "beam", "--json"]
    assert cli.main(arguments + options) == 0
    expected = load_config("multi30k", ["seed=2", "training.epochs=3"])
    assert seen == [expected, Workspace(str(tmp_path)), "beam", True]


def test_the_status_that_a_run_returns_is_the_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    _install_run(monkeypatch, lambda *_, **__: 1)
    assert cli.main(["run"]) == 1


def test_a_wrong_key_is_refused_before_the_pipeline_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pipeline.commands.run", None)
    assert cli.main(["run", "--set", "training.epoch=3"]) == 2
    assert capsys.readouterr().err == (
        "nmt: --set training.epoch=3: unknown key training.epoch; did you mean training.epochs?\n"
    )


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (UserError("Fix it."), 2, "Fix it."),
        (RunFailedError("It stopped."), 1, "It stopped."),
        (
            TypeError("odd"),
            1,
            "The command failed unexpectedly (TypeError: odd); "
            "run it again with --debug to see where.",
        ),
        (
            KeyboardInterrupt(),
            130,
            "Interrupted; run the same command again to continue where possible.",
        ),
        (typer.Abort(), 1, "Aborted."),
    ],
)
def test_an_error_is_one_sentence_without_a_traceback(
    error: BaseException,
    status: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _install_failing_run(monkeypatch, error)
    assert cli.main(["run"]) == status
    assert capsys.readouterr().err == f"nmt: {sentence}\n"


@pytest.mark.parametrize("arguments", [["--debug", "run"], ["run", "--debug"]])
def test_debug_prints_the_traceback_wherever_it_stands(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _install_failing_run(monkeypatch, TypeError("odd"))
    assert cli.main(arguments) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback (most recent call last):")
    assert "TypeError: odd" in shown


def test_what_follows_two_dashes_is_text_even_if_it_is_debug(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["config", "show", "--", "--debug"]) == 2
    assert "--debug" in capsys.readouterr().err


def test_every_problem_is_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "show", "--set", "seed=x", "--set", "training.epochs=0"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1] for line in lines] == [" --set seed=x", " --set training.epochs=0"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rum"], "No such command 'rum'. Did you mean 'run'? Try 'nmt --help'."),
        (["run", "--zzz"], "No such option: --zzz. Try 'nmt run --help'."),
        (["run", "--config"], "Option '--config' requires an argument."),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_status_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err == f"nmt: {sentence}\n"


def test_a_runner_that_does_not_exist_is_answered_with_those_that_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["run", "--runner", "spark"]) == 2
    shown = capsys.readouterr().err
    assert "'local', 'beam'" in shown
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize("arguments", [[], ["models"], ["config"]])
def test_a_group_without_a_command_shows_its_help(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    output = capsys.readouterr()
    assert "Usage: nmt" in output.out + output.err


def test_config_show_prints_the_resolved_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "show", "--config", "tatoeba", "--set", "seed=9"]) == 0
    shown = strict_yaml.parse(capsys.readouterr().out).values
    assert shown == load_config("tatoeba", ["seed=9"]).model_dump(by_alias=True)


def test_config_show_answers_programs_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == load_config("debian").model_dump(by_alias=True)


def test_python_m_pipeline_is_the_same_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "run", "--config", str(tmp_path / "none.yaml")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("nmt: There is no configuration ")


def test_a_reader_that_has_gone_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", "config", "show"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
            cwd=ROOT,
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_no_text_of_others_reaches_the_terminal_raw(tmp_path, capsys):
    lines = tmp_path / "text.tsv"
    lines.write_text(
        "".join("a" * n + "\t" + "b" * n + "\n" for n in range(1, 50)), encoding="utf-8"
    )
    evil = "\x1b[2Jevil\x9b1m\u202e"
    place = ["--workspace", str(tmp_path)]
    made = ["corpus", "import", "--name", "own", "--tsv", str(lines), "--licence", evil, *place]
    assert cli.main(made) == 0
    for command in (["show", "own"], ["show", "own", "--json"], ["list"]):
        assert cli.main(["corpus", *command, *place]) == 0
    assert cli.main(["corpus", "show", evil, *place]) == 2
    shown = capsys.readouterr()
    assert "\\x1b[2Jevil\\x9b1m\\u202e" in shown.out
    for raw in "\x1b\x9b\u202e":
        assert raw not in shown.out + shown.err
