import sys
from pathlib import Path

import pytest

from benchmarks.common.program import reproducing_command, run_program, write_result
from pipeline.errors import RunFailedError, UserError


def test_the_command_for_the_reader_holds_what_decides_the_numbers() -> None:
    options = [("--corpus", "debian"), ("--seed", 1), ("--in-parallel", True), ("--quick", False)]
    assert reproducing_command("quality.bleu", options) == (
        ".venv/bin/python -m benchmarks.quality.bleu --corpus debian --seed 1 --in-parallel"
    )


@pytest.mark.parametrize(
    ("error", "status"), [(UserError("Do this."), 2), (RunFailedError("It broke."), 1)]
)
def test_a_program_ends_with_a_sentence_and_a_status(
    error: Exception, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["program"])
    with pytest.raises(SystemExit) as ended:
        run_program(fail)
    assert ended.value.code == status
    assert capsys.readouterr().err == f"{error}\n"


def test_a_result_is_written_and_printed(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = write_result(tmp_path / "results", "quality.md", "# Größe\n")
    assert path.read_text(encoding="utf-8") == "# Größe\n"
    assert "# Größe" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="give another --output"):
        write_result(tmp_path / "file", "quality.md", "")
