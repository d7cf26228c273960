"""The parameters of a compiled pipeline, chosen at the start of a run without compiling again.

A task receives a parameter as one more input, and the container's entry point writes it to the
right place in the component's parameters. So a pipeline compiled for one corpus can train on
another, and Kubeflow's page shows the parameters of each run.
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
_SECTIONS: dict[str, type[Settings]] = {
    "epochs": TrainingSettings,
    "min_bleu": EvaluationSettings,
    "min_chrf": EvaluationSettings,
    "max_bleu_drop": EvaluationSettings,
}
"""The sections of the configuration with the bounds of parameters."""
_FLOORS = ("min_bleu", "min_chrf")
NO_FLOOR = -1.0
"""Stands for null, because a parameter of this kind must be a number."""


@dataclass(frozen=True)
class RuntimeParameter:
    """A parameter of the compiled pipeline."""

    name: str
    kind: Literal["STRING", "NUMBER_INTEGER", "NUMBER_DOUBLE"]
    """The type in the pipeline specification."""
    description: str
    nodes: tuple[str, ...]
    """The tasks using the parameter."""
    puts: Mapping[str, Callable[[Values, Any], None]]
    """Functions to write the value into a task's parameters, in place, by the name of the
    parameter changed. The first one known to the task counts."""


def defaults(config: PipelineConfig, corpus: str, corpus_checksum: str) -> Values:
    """Returns the default values of a run's parameters.

    Args:
      config: the configuration of the pipeline.
      corpus: the folder of the corpus on the cluster.
      corpus_checksum: the checksum of the corpus; empty if it is not known.
    """
    return {
        "corpus": corpus,
        CORPUS_CHECKSUM: corpus_checksum,
        "epochs": config.training.epochs,
        "min_bleu": _shown_floor(config.evaluation.min_bleu),
        "min_chrf": _shown_floor(config.evaluation.min_chrf),
        "max_bleu_drop": config.evaluation.max_bleu_drop,
    }


def _shown_floor(floor: float | None) -> float:
    return NO_FLOOR if floor is None else floor


def applied(parameters: Mapping[str, Any]) -> Values:
    """Returns a task's parameters after applying the parameters of the run.

    Args:
      parameters: the parameters given to the task by name, including those of the run.

    Raises:
      UserError: a value is not allowed.
    """
    names = {each.name for each in RUNTIME_PARAMETERS}
    own = {name: value for name, value in parameters.items() if name not in names}
    for parameter in RUNTIME_PARAMETERS:
        if parameter.name not in parameters:
            continue
        value = checked(parameter.name, parameters[parameter.name])
        place = next(place for place in parameter.puts if place in own)
        parameter.puts[place](own, value)
    return own


def _put_corpus(parameters: Values, value: Any) -> None:
    parameters["input_base"] = value


def _require_corpus_checksum(parameters: Values, value: Any) -> None:
    _require_checksum(parameters["input_base"], value)
    # The component compares it with the text that it has read.
    config = json.loads(parameters["custom_config"])
    config["custom_config"]["value"][CORPUS_CHECKSUM] = value
    parameters["custom_config"] = json.dumps(config, sort_keys=True)


def _put_corpus_checksum(parameters: Values, value: Any) -> None:
    config = json.loads(parameters["custom_config"])
    config["record"][CORPUS_CHECKSUM] = value
    parameters["custom_config"] = json.dumps(config, sort_keys=True)


def _put_epochs(parameters: Values, value: Any) -> None:
    config = json.loads(parameters["custom_config"])
    config["training"]["epochs"] = value
    config["record"]["configuration"]["training"]["epochs"] = value
    parameters["custom_config"] = json.dumps(config, sort_keys=True)


def _put_bound(name: str) -> Callable[[Values, Any], None]:
    def put(parameters: Values, value: Any) -> None:
        bound = None if value == NO_FLOOR else value
        settings = json.loads(parameters["gate_settings"]) | {name: bound}
        parameters["gate_settings"] = json.dumps(settings, sort_keys=True)

    return put


def _require_checksum(corpus: str, expected: str) -> None:
    """Raises UserError if the corpus has another checksum; an empty one allows any corpus."""
    # Imported late: TFX takes half a minute, and most tasks do not need it here.
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
            f"The corpus {corpus} has the checksum {found}, but the run's parameter "
            f"{CORPUS_CHECKSUM} is {expected}: give the corpus's checksum, or compile again."
        )


def checked(name: str, value: Any) -> Any:
    """Checks a parameter's value against the bounds of the configuration's key of the same name.

    Raises:
      UserError: the value is not allowed.
    """
    section = _SECTIONS.get(name)
    if section is None or (name in _FLOORS and value == NO_FLOOR):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # all numbers of a pipeline specification arrive as floats
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
        {"input_base": _put_corpus},
    ),
    RuntimeParameter(
        CORPUS_CHECKSUM,
        "STRING",
        "checksum that the corpus must have; empty for any",
        ("ParallelTextExampleGen", "Trainer"),
        {"input_base": _require_corpus_checksum, "custom_config": _put_corpus_checksum},
    ),
    RuntimeParameter(
        "epochs",
        "NUMBER_INTEGER",
        "passes over the training split",
        ("Trainer",),
        {"custom_config": _put_epochs},
    ),
    RuntimeParameter(
        "min_bleu",
        "NUMBER_DOUBLE",
        f"floor of BLEU on the test split, where BLEU judges; {NO_FLOOR:g} for none",
        ("Evaluator",),
        {"gate_settings": _put_bound("min_bleu")},
    ),
    RuntimeParameter(
        "min_chrf",
        "NUMBER_DOUBLE",
        f"floor of chrF on the test split, where chrF judges; {NO_FLOOR:g} for none",
        ("Evaluator",),
        {"gate_settings": _put_bound("min_chrf")},
    ),
    RuntimeParameter(
        "max_bleu_drop",
        "NUMBER_DOUBLE",
        "largest drop of BLEU below the live model",
        ("Evaluator",),
        {"gate_settings": _put_bound("max_bleu_drop")},
    ),
)
