"""The program of a container of the compiled pipeline: runs one component.

    python -m pipeline.kubeflow.entrypoint --executor_class_path CLASS
        --json_serialized_invocation_args JSON --json_serialized_inputs_spec_args JSON [BEAM...]
    python -m pipeline.kubeflow.entrypoint --check_run FOLDERS JSON

TFX's own runner of executors runs the component. This module prepares its input: it converts the
input of Kubeflow Pipelines, applies the run's parameters, and does the work of ExampleGen's driver,
because Kubeflow Pipelines calls no drivers. It also turns errors into readable messages.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline import failures
from pipeline.errors import UserError
from pipeline.kubeflow.executor_input import Json, repaired, with_store_uris
from pipeline.kubeflow.runtime_parameters import applied, checked
from pipeline.kubeflow.visualizations import add_visualizations, without_visualizations
from pipeline.workspace import require_writable
from serving.local.processors import limit_tensorflow

REQUIRE_GPU = "NMT_REQUIRE_GPU"
"""Environment variable; if it is set, a container without a GPU ends at once."""
SHARED_FOLDER = "NMT_SHARED_FOLDER"
"""Environment variable: a folder shared with Beam's workers, if these are on other machines."""
CHECK_RUN = "--check_run"
"""Option to check a run instead: a JSON list of the folders written by its tasks follows, and an
`ExecutorInput` with the run's parameters."""

_CLASS = "--executor_class_path"
_INPUT = "--json_serialized_invocation_args"
_INPUTS_SPEC = "--json_serialized_inputs_spec_args"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one component.

    Args:
      arguments: the arguments of the command line; by default those of the process.

    Returns:
      The exit status: 0, 1 if the component failed, 2 if its input is wrong.
    """
    limit_tensorflow()
    try:
        _run(list(sys.argv[1:] if arguments is None else arguments))
    except Exception as error:
        own = failures.own_cause(error)
        if own is None:
            sys.stderr.write(failures.format_traceback(error))
            _complain(f"The component failed unexpectedly ({type(error).__name__}), see above.")
            return failures.FAILED
        status, sentence = failures.describe(own)
        _complain(sentence)
        return status
    return 0


def _complain(sentence: str) -> None:
    sys.stderr.write(f"nmt: {sentence}\n")


def _run(arguments: list[str]) -> None:
    if arguments[:1] == [CHECK_RUN]:
        _check_run(*(json.loads(argument) for argument in arguments[1:]))
        return
    if os.environ.get(REQUIRE_GPU):
        from trainer import gpu

        gpu.check()
    given: Json = json.loads(_option(arguments, _INPUT))
    fitting = repaired(given, json.loads(_option(arguments, _INPUTS_SPEC)))
    inputs = fitting["inputs"]
    inputs["parameterValues"] = applied(inputs.get("parameterValues", {}))

    # Imported late: TFX takes half a minute, and a missing GPU or a wrong value shall fail at once.
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
    from tfx.utils import import_utils

    from components.parallel_text_example_gen import ParallelTextExecutor
    from pipeline.kubeflow.shared_artifacts import shared_artifacts

    executor = import_utils.import_class_by_path(_option(arguments, _CLASS))
    if issubclass(executor, ParallelTextExecutor):
        _resolve_span(fitting)
    folder = os.environ.get(SHARED_FOLDER)
    if folder and issubclass(executor, BaseBeamExecutor):
        with shared_artifacts(fitting, folder) as reachable:
            _execute(arguments, reachable, given)
    else:
        _execute(arguments, fitting, given)


def _check_run(folders: list[str], executor_input: Json) -> None:
    """Does the first task of a run: nothing that can be known before shall fail after training.

    Raises:
      UserError: a parameter of the run has a value not allowed, or a folder cannot be written.
    """
    for name, value in executor_input["inputs"]["parameterValues"].items():
        checked(name, value)
    require_writable(
        folders, "give its volume to the user of the tasks, see step 2 of kubeflow/README.md"
    )


def _execute(arguments: list[str], fitting: Json, given: Json) -> None:
    """Runs TFX's runner of executors, and converts its output for the launcher."""
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    arguments[arguments.index(_INPUT) + 1] = json.dumps(without_visualizations(fitting))
    kubeflow_v2_run_executor.main(kubeflow_v2_run_executor._parse_flags(["", *arguments]))
    answer = Path(fitting["outputs"]["outputFile"])
    written = add_visualizations(json.loads(answer.read_text(encoding="utf-8")), fitting)
    answer.write_text(json.dumps(with_store_uris(written, fitting, given)), encoding="utf-8")


def _option(arguments: Sequence[str], name: str) -> str:
    try:
        return arguments[arguments.index(name) + 1]
    except (ValueError, IndexError):
        raise UserError(
            f"{name} is missing: only pipelines compiled by nmt start this program."
        ) from None


def _resolve_span(executor_input: Json) -> None:
    """Adds the newest span of the corpus and its shards to the input, like ExampleGen's driver."""
    from tfx.components.example_gen import utils
    from tfx.proto import example_gen_pb2
    from tfx.utils import proto_utils

    from components.corpus_shards import ContentProcessor, train_spans_of

    parameters: dict[str, Any] = executor_input["inputs"]["parameterValues"]
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(parameters["input_config"], config)
    processor = ContentProcessor(parameters["input_base"], config.splits, None)
    processor.train_spans = train_spans_of(parameters)
    span, version = processor.resolve_span_and_version()
    for split in config.splits:
        split.pattern = processor.get_pattern_for_span_version(split.pattern, span, version)
    parameters["input_config"] = proto_utils.proto_to_json(config)
    [examples] = executor_input["outputs"]["artifacts"]["examples"]["artifacts"]
    examples.setdefault("metadata", {}).update(
        {
            utils.SPAN_PROPERTY_NAME: str(span),
            utils.FINGERPRINT_PROPERTY_NAME: processor.get_input_fingerprint(span, version),
        }
    )


if __name__ == "__main__":
    sys.exit(main())
