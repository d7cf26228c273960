import os
import sys

import pytest

from serving.export.report import ExportReport, RequestRecord
from serving.export.subprocess_check import (
    clean_environment,
    run_export_check,
    run_reporting_command,
)
from serving.export.time_limit import TimeLimitError, within
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


def test_a_process_that_crashes_is_named_with_its_last_words():
    report = run_program("import sys; sys.stderr.write('out of luck'); sys.exit(7)")
    assert "ended with status 7; its last words: out of luck" in str(report.problems[0])
    assert not report.passed


def test_a_process_that_is_killed_is_named_with_the_signal():
    report = run_program(f"print({PASSING!r}, flush=True); import os; os.kill(os.getpid(), 9)")
    assert "was killed by SIGKILL" in str(report.problems[0])
    assert not report.passed


def test_a_process_that_never_ends_is_killed_and_named():
    report = run_program(f"print({PASSING!r}, flush=True)\nwhile True: pass", max_seconds=1)
    assert "did not end within 1 seconds" in str(report.problems[0])
    assert not report.passed


@pytest.mark.parametrize("output", ["", "nothing of the kind", "\\ud800", '{"passed": true}'])
def test_a_process_without_a_readable_report_does_not_pass(output):
    report = run_program(f"import sys; sys.stdout.write({output!r})")
    assert "left no report" in str(report.problems[0])


def test_a_program_that_cannot_be_started_does_not_pass(tmp_path):
    report = run_reporting_command([str(tmp_path / "missing")], "model", 1)
    assert "could not be started" in str(report.problems[0])


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
