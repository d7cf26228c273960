"""Checks an export in a clean process, which an export cannot take down with it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from serving.export.check import DEFAULT_MAX_SECONDS_PER_REQUEST, DEFAULT_MAX_SECONDS_TO_LOAD
from serving.export.report import ExportReport, failed_report
from serving.export.smoke_test import MAX_REQUESTS
from serving.local.outside_cause import OutsideCauseError, ended_early, tried_twice

_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "TMPDIR", "TZ")
_START_SECONDS = 180
"""Time to start Python and TensorFlow on a busy machine."""
_LAST_WORDS = 2_000
_LARGEST_REPORT = 10_000_000


def run_export_check(
    directory: str,
    max_seconds_per_request: float = DEFAULT_MAX_SECONDS_PER_REQUEST,
    max_seconds_to_load: float = DEFAULT_MAX_SECONDS_TO_LOAD,
) -> ExportReport:
    """Checks an exported model in a process with a clean environment (`clean_environment`).

    A check that is killed or crashes is tried once more.

    Args:
      directory: the local folder with `saved_model.pb`.
      max_seconds_per_request: time limit of each request.
      max_seconds_to_load: time limit for loading.

    Returns:
      The report of the check.

    Raises:
      OutsideCauseError: the check ended without a report both times.
    """
    limit = _START_SECONDS + max_seconds_to_load + MAX_REQUESTS * max_seconds_per_request
    command = [
        sys.executable,
        *("-m", "serving.export.check", os.path.abspath(directory), "--json"),
        f"--max-seconds-per-request={max_seconds_per_request}",
        f"--max-seconds-to-load={max_seconds_to_load}",
        f"--parent={os.getpid()}",
    ]
    return tried_twice(lambda: run_reporting_command(command, directory, limit))


def run_reporting_command(command: Sequence[str], model: str, max_seconds: float) -> ExportReport:
    """Runs a command that prints an `ExportReport` as JSON.

    Args:
      command: program and arguments.
      model: the name of the model in a report for a command without one.
      max_seconds: time limit, after which it is killed.

    Returns:
      The command's report, or a failed one if its exit status contradicts it.

    Raises:
      OutsideCauseError: it was killed, crashed, did not end in time or left no report.
    """
    # Files instead of pipes: endless output of a model does not fill our memory.
    with (
        tempfile.TemporaryDirectory(prefix="export-check-") as folder,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        try:
            status = subprocess.run(
                command,
                cwd=folder,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                timeout=max_seconds,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired as error:
            # The check limits each step on the model itself, so the machine was too slow.
            raise OutsideCauseError(
                f"The check of the export did not end within {max_seconds:g} seconds and was "
                "killed: run again when the machine is less busy."
            ) from error
        except OSError as error:
            raise OutsideCauseError(
                f"The check of the export could not be started: {error}."
            ) from error
        if status not in (0, 1):
            raise ended_early("The check of the export", status, _last_words(errors))
        output.seek(0)
        try:
            report = ExportReport.from_json(output.read(_LARGEST_REPORT).decode("utf-8"))
        except ValueError as error:
            words = _last_words(errors)
            said = f"; its last words: {words}" if words else ""
            raise OutsideCauseError(
                f"The check of the export left no report ({error}){said}: run again."
            ) from error
        if report.passed is not (status == 0):
            return failed_report(
                model, "process", f"the check ended with status {status} against its own report"
            )
        return report


def clean_environment() -> dict[str, str]:
    """Returns the environment of the check: only paths and language of ours, and no GPU.

    The calling process may hold all memory of the GPU. Also, a model that needs a GPU cannot be
    served everywhere.
    """
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | {
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


def _last_words(errors: BinaryIO) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - _LAST_WORDS))
    return errors.read(_LAST_WORDS).decode("utf-8", errors="replace").strip()
