import os
import signal
import sys

import pytest
from tensorflow import errors

from serving.export import check
from serving.export.report import ExportReport, RequestRecord
from serving.export.subprocess_check import (
    clean_environment,
    run_export_check,
    run_reporting_command,
)
from serving.export.time_limit import TimeLimitError, within
from serving.local.outside_cause import OutsideCauseError, tried_twice
from serving.local.saved_model import ModelLoadError
from tests.serving.standin_model import export_standin

PASSING = ExportReport("model", (), (RequestRecord("text", "serving_default", 1, 0.1),)).to_json()


def run_program(program: str, max_seconds: float = 60) -> ExportReport:
    return run_reporting_command([sys.executable, "-c", program], "model", max_seconds)


def test_a_sound_export_passes_in_a_separate_process(tmp_path):
    report = run_export_check(export_standin(tmp_path / "model"))
    assert report.problems == ()
    assert report.passed


def test_an_export_that_prints_does_not_spoil_its_report(tmp_path):
    assert run_export_check(export_standin(tmp_path / "model", "prints")).passed


def test_an_export_that_hangs_is_given_up_at_the_time_limit_and_named(tmp_path):
    report = run_export_check(export_standin(tmp_path / "model", "hangs"), 0.5)
    assert not report.passed
    assert "no end after 0.5 seconds" in str(report.problems[-1])


def test_a_damaged_export_is_a_report_and_no_crash(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"damaged")
    report = run_export_check(str(tmp_path))
    assert [problem.request for problem in report.problems] == ["load"]


def test_a_report_of_a_process_that_succeeded_is_taken_as_it_is():
    assert run_program(f"print({PASSING!r})").passed


def test_a_process_that_fails_after_a_passing_report_does_not_pass():
    report = run_program(f"print({PASSING!r}); import sys; sys.exit(1)")
    assert "against its own report" in str(report.problems[0])


def test_a_process_that_ends_without_a_report_says_nothing_about_the_model():
    with pytest.raises(OutsideCauseError, match="ended with status 7.*last words: out of luck"):
        run_program("import sys; sys.stderr.write('out of luck'); sys.exit(7)")


def test_a_process_that_never_ends_is_killed_and_named():
    with pytest.raises(OutsideCauseError, match="did not end within 1 seconds"):
        run_program(f"print({PASSING!r}, flush=True)\nwhile True: pass", max_seconds=1)


@pytest.mark.parametrize("output", ["", "nothing of the kind", "\\ud800", '{"passed": true}'])
def test_a_process_without_a_readable_report_says_nothing_about_the_model(output):
    with pytest.raises(OutsideCauseError, match="left no report"):
        run_program(f"import sys; sys.stdout.write({output!r})")


def test_a_program_that_cannot_be_started_says_nothing_about_the_model(tmp_path):
    with pytest.raises(OutsideCauseError, match="could not be started"):
        run_reporting_command([str(tmp_path / "missing")], "model", 1)


def try_twice(first: str, second: str) -> ExportReport:
    """Runs one program, and another one if it is tried again."""
    programs = [first, second]
    return tried_twice(lambda: run_program(programs.pop(0)))


def killed_by(number: int) -> str:
    return f"print({PASSING!r}, flush=True); import os; os.kill(os.getpid(), {number})"


def test_a_check_that_is_killed_is_tried_once_more():
    assert try_twice(killed_by(signal.SIGKILL), f"print({PASSING!r})").passed


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_check_that_is_killed_twice_is_no_verdict(number):
    with pytest.raises(OutsideCauseError, match=f"{number.name} before it had a result"):
        try_twice(killed_by(number), killed_by(number))


def test_a_real_check_with_too_little_memory_is_no_verdict(tmp_path):
    # Enough for Python to start, but not for TensorFlow to load a model.
    command = (
        f"{sys.executable} -m serving.export.check {export_standin(tmp_path / 'model')} --json"
    )
    with pytest.raises(OutsideCauseError, match="no verdict on the model: free some memory"):
        run_reporting_command(["bash", "-c", f"ulimit -v 1500000; {command}"], "model", 100)


@pytest.mark.parametrize("error", [MemoryError(), errors.ResourceExhaustedError(None, None, "OOM")])
def test_an_allocation_that_fails_in_a_check_is_no_verdict(monkeypatch, capfd, error):
    def load(directory):
        raise ModelLoadError("The model cannot be loaded.") from error

    monkeypatch.setattr(check, "check_operations", load)
    assert check.main(["model", "--json"]) == check.NO_VERDICT
    assert capfd.readouterr().out == ""


def test_nothing_of_our_environment_reaches_the_model(monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("TF_XLA_FLAGS", "x")
    environment = clean_environment()
    assert not {"SECRET_TOKEN", "TF_XLA_FLAGS"} & set(environment)
    assert environment["PYTHONPATH"] != "/elsewhere"


def test_the_separate_process_sees_no_gpu():
    assert clean_environment()["CUDA_VISIBLE_DEVICES"] == "-1"


def test_the_separate_process_finds_programs_where_we_do():
    assert clean_environment()["PATH"] == os.environ["PATH"]


def test_a_call_in_time_gives_its_result():
    assert within(60, lambda: "done") == "done"


def test_a_call_that_fails_raises_what_it_raised():
    with pytest.raises(ZeroDivisionError):
        within(60, lambda: 1 / 0)


def test_a_call_that_does_not_end_is_given_up():
    from threading import Event

    never = Event()
    try:
        with pytest.raises(TimeLimitError, match=r"no end after 0\.01 seconds"):
            within(0.01, never.wait)
    finally:
        never.set()
