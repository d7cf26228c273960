"""Loads an export like a server and sends it the kinds of requests users may send.

`python -m serving.export.check MODEL_DIR [--json]`

The check runs in a separate process, without TFX or Keras, so the model must work from its folder
alone. A request beyond its time limit cannot be stopped within the process; the check then reports
the results so far and exits.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence

from serving.export.operations import check_operations
from serving.export.report import ExportReport, Problem, failed_report
from serving.export.smoke_test import SmokeTest, check_signatures, run_smoke_test
from serving.export.time_limit import TimeLimitError, within
from serving.local.outside_cause import OutsideCauseError, lacks_memory
from serving.local.parent import end_with_parent
from serving.local.saved_model import ModelLoadError, SavedModel, message_of, require_tensorflow

DEFAULT_MAX_SECONDS_PER_REQUEST = 60.0
DEFAULT_MAX_SECONDS_TO_LOAD = 300.0
NO_VERDICT = 3
"""The exit status if something other than the model prevented the check."""


def check_export(
    directory: str,
    max_seconds_per_request: float = DEFAULT_MAX_SECONDS_PER_REQUEST,
    max_seconds_to_load: float = DEFAULT_MAX_SECONDS_TO_LOAD,
) -> tuple[ExportReport, bool]:
    """Checks an exported model.

    Args:
      directory: the folder with `saved_model.pb`.
      max_seconds_per_request: time limit of each request, including the first of a signature.
      max_seconds_to_load: time limit for loading.

    Returns:
      The report, and whether a call still runs after its time limit.

    Raises:
      OutsideCauseError: TensorFlow cannot be loaded, or its operations not listed.
      ModelLoadError, ModelCallError: there was too little memory (`lacks_memory`).
    """
    try:
        version = require_tensorflow()
    except ModelLoadError as error:
        raise OutsideCauseError(str(error)) from error
    try:
        if problems := check_operations(directory):
            # Such an operation may run in this process, so a smoke test would prove nothing.
            foreign = tuple(Problem("operations", problem) for problem in problems)
            return ExportReport(directory, foreign, tensorflow_version=version), False
        started = time.monotonic()
        model = within(max_seconds_to_load, lambda: SavedModel(directory))
    except (ModelLoadError, TimeLimitError) as error:
        if lacks_memory(error):
            raise
        return failed_report(directory, "load", str(error)), isinstance(error, TimeLimitError)
    load_seconds = round(time.monotonic() - started, 4)

    test = SmokeTest(model, max_seconds_per_request)
    is_hanging = False
    usable = check_signatures(test)
    try:
        run_smoke_test(test, usable)
    except TimeLimitError:
        is_hanging = True
    report = ExportReport(
        model=directory,
        problems=tuple(test.problems),
        requests=tuple(test.requests),
        load_seconds=load_seconds,
        tensorflow_version=version,
        max_seconds_per_request=max_seconds_per_request,
    )
    return report, is_hanging


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the check; returns 0 if the model may be served, 1 if not, else `NO_VERDICT`."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.export.check", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("model_dir", help="folder with saved_model.pb")
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    parser.add_argument(
        "--max-seconds-per-request", type=float, default=DEFAULT_MAX_SECONDS_PER_REQUEST
    )
    parser.add_argument("--max-seconds-to-load", type=float, default=DEFAULT_MAX_SECONDS_TO_LOAD)
    parser.add_argument("--parent", type=int, help="end together with this process, our parent")
    options = parser.parse_args(arguments)
    if options.parent is not None:
        end_with_parent(options.parent)
    # An operation of the graph may print; standard output is reserved for the report.
    sys.stdout.flush()
    output = os.dup(1)
    os.dup2(2, 1)
    try:
        report, is_hanging = check_export(
            options.model_dir, options.max_seconds_per_request, options.max_seconds_to_load
        )
    except Exception as error:  # a failure of the check itself must not count as one of a request
        if isinstance(error, OutsideCauseError) or lacks_memory(error):
            sys.stderr.write(f"{message_of(error)}\n")
            return NO_VERDICT
        sentence = f"the check failed: {type(error).__name__}: {message_of(error)}"
        report, is_hanging = failed_report(options.model_dir, "process", sentence), False
    text = report.to_json() if options.json else _summary(report)
    with open(output, "w", encoding="utf-8", errors="replace") as file:
        file.write(text + "\n")
    status = 0 if report.passed else 1
    if is_hanging:
        os._exit(status)  # the interpreter would wait for TensorFlow's threads
    return status


def _summary(report: ExportReport) -> str:
    if report.passed:
        return f"{report.model} answered {len(report.requests)} requests correctly."
    return "\n".join(
        [f"{report.model} must not be served:", *(f"- {problem}" for problem in report.problems)]
    )


if __name__ == "__main__":
    sys.exit(main())
