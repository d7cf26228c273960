"""What may be chosen when a compiled pipeline is started, without compiling it again.

A parameter of the compiled pipeline goes to a task as one more input; the container's entry point
puts it where the component looks for it. So a pipeline that was compiled for one corpus trains on
another, and every run of it says in Kubeflow's page what it was started with.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from pipeline.config.settings import EvaluationSettings, PipelineConfig
from pipeline.corpora.folder import INFORMATION_FILE
from pipeline.corpora.information import CorpusInfo
from pipeline.errors import UserError
from trainer.settings import Settings, TrainingSettings

Values = dict[str, Any]

CORPUS_CHECKSUM = "corpus_checksum"


@dataclass(frozen=True)
class RuntimeParameter:
    """A parameter of the compiled pipeline."""

    name: str
    kind: Literal["STRING", "NUMBER_INTEGER", "NUMBER_DOUBLE"]
    """As the pipeline specification calls it."""
    description: str
    nodes: tuple[str, ...]
    """The tasks that take it."""
    put: Callable[[Values, Any], None]
    """Puts a value among a task's parameters, in place."""


def defaults(config: PipelineConfig, corpus: str, corpus_checksum: str) -> Values:
    """What a run is started with if nothing else is said.

    Args:
      config: what the pipeline is compiled from.
      corpus: the folder, as the cluster sees it.
      corpus_checksum: of that corpus, or empty where it is not known.
    """
    return {
        "corpus": corpus,
        CORPUS_CHECKSUM: corpus_checksum,
        "epochs": config.training.epochs,
        "min_bleu": config.evaluation.min_bleu,
        "max_bleu_drop": config.evaluation.max_bleu_drop,
    }


def applied(parameters: Mapping[str, Any]) -> Values:
    """Returns a task's parameters with the run's choices in their places.

    Args:
      parameters: what the task was given, by name; the run's parameters among them.

    Raises:
      UserError: a value is not allowed.
    """
    own = dict(parameters)
    chosen = {each: own.pop(each.name) for each in RUNTIME_PARAMETERS if each.name in own}
    for parameter, value in chosen.items():
        parameter.put(own, value)
    return own


def _put_corpus(parameters: Values, value: Any) -> None:
    parameters["input_base"] = value


def _put_corpus_checksum(parameters: Values, value: Any) -> None:
    if "input_base" in parameters:
        _require_checksum(parameters["input_base"], value)
        return
    config = json.loads(parameters["custom_config"])
    config["record"][CORPUS_CHECKSUM] = value
    parameters["custom_config"] = json.dumps(config, sort_keys=True)


def _put_epochs(parameters: Values, value: Any) -> None:
    config = json.loads(parameters["custom_config"])
    epochs = _checked(TrainingSettings, "epochs", value)
    config["training"]["epochs"] = epochs
    config["record"]["configuration"]["training"]["epochs"] = epochs
    parameters["custom_config"] = json.dumps(config, sort_keys=True)


def _put_bound(name: str) -> Callable[[Values, Any], None]:
    def put(parameters: Values, value: Any) -> None:
        # Only now: TensorFlow Model Analysis takes long to import, and only one task has it.
        from components.gate.eval_config import with_bounds

        bound = _checked(EvaluationSettings, name, value)
        parameters["eval_config"] = with_bounds(parameters["eval_config"], **{name: bound})
        # What the verdict is read back with.
        settings = json.loads(parameters["gate_settings"]) | {name: bound}
        parameters["gate_settings"] = json.dumps(settings, sort_keys=True)

    return put


def _require_checksum(corpus: str, expected: str) -> None:
    """Raises UserError unless the corpus is the one that was meant; an empty text means any."""
    # Only now: TFX takes half a minute to import, and most tasks need none of this.
    from tfx.dsl.io import fileio

    path = f"{corpus.rstrip('/')}/{INFORMATION_FILE}"
    if not expected:
        return
    if not fileio.exists(path):
        raise UserError(f"{path} is missing: copy the whole corpus folder that nmt corpus made.")
    with fileio.open(path) as file:
        found = CorpusInfo.model_validate_json(file.read()).checksum
    if found != expected:
        raise UserError(
            f"The corpus {corpus} has the checksum {found} and the run's parameter "
            f"{CORPUS_CHECKSUM} says {expected}: give that of the corpus, or compile again."
        )


def _checked(section: type[Settings], name: str, value: Any) -> Any:
    """Holds a value against the bounds that the configuration's key of that name has."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a pipeline specification knows no other numbers than these
    try:
        return getattr(section.model_validate({name: value}), name)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise UserError(f"The run's parameter {name} is {value!r}: {reason}.") from error


RUNTIME_PARAMETERS = (
    RuntimeParameter(
        "corpus",
        "STRING",
        "folder of the corpus, as the cluster sees it",
        ("ParallelTextExampleGen",),
        _put_corpus,
    ),
    RuntimeParameter(
        CORPUS_CHECKSUM,
        "STRING",
        "checksum that the corpus must have; empty for any",
        ("ParallelTextExampleGen", "Trainer"),
        _put_corpus_checksum,
    ),
    RuntimeParameter(
        "epochs", "NUMBER_INTEGER", "passes over the training split", ("Trainer",), _put_epochs
    ),
    RuntimeParameter(
        "min_bleu",
        "NUMBER_DOUBLE",
        "floor of BLEU on the test split",
        ("Evaluator",),
        _put_bound("min_bleu"),
    ),
    RuntimeParameter(
        "max_bleu_drop",
        "NUMBER_DOUBLE",
        "largest drop of BLEU below the live model",
        ("Evaluator",),
        _put_bound("max_bleu_drop"),
    ),
)
