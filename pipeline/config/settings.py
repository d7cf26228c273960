"""The pipeline's configuration: one typed, immutable object, from a YAML file and overrides.

The trainer declares the settings of the model (`trainer.settings`). This module adds the sections
of the pipeline, and reads the configuration. Unknown keys and invalid values are rejected before
anything runs. Each error names the key, the file and line (or the override), and the allowed
values.
"""

import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, model_validator

from components.filters.registry import DEFAULT_FILTERS, FilterName
from components.gate.settings import GateBounds, GateSettings
from pipeline.config import strict_yaml
from pipeline.config.beam import BeamSettings
from pipeline.config.key_schema import KeySchema
from pipeline.config.kubeflow import KubeflowSettings
from pipeline.config.overrides import Override, apply_override, parse_override
from pipeline.config.validation_messages import explain
from pipeline.errors import UserError
from pipeline.workspace import Workspace
from text.languages import FORM, parse_language
from trainer.scoring import Scoring, Tokeniser, tokeniser_of
from trainer.settings import (
    DecodingSettings,
    ModelSettings,
    SubwordSettings,
    TrainingSettings,
)
from trainer.settings_base import Settings

NAME = r"^[a-z0-9][a-z0-9-]*$"
"""What the name of a pipeline, and of a configuration without a path, looks like."""
_MOST_BYTES = 128 << 10
"""Of a configuration; a complete one with comments has 20 KiB. YAML takes a minute for 2 MiB."""


LanguageCode = Annotated[
    str,
    AfterValidator(lambda code: parse_language(code).tag),
    Field(json_schema_extra={"form": f"a language code: {FORM}"}),
]
"""A language code, in BCP 47's usual spelling once it is read."""


SliceName = Annotated[
    str,
    Field(pattern="^[^=]+=.+$", json_schema_extra={"form": "a value of a feature, FEATURE=VALUE"}),
]


class DataSettings(Settings):
    """The parallel text, and the limits for malformed lines."""

    corpus: str = Field(min_length=1)
    """Name of a corpus in the workspace, or the path of a corpus folder (with a `/`)."""
    source_language: LanguageCode
    """Language code of the text to translate."""
    target_language: LanguageCode
    """Language code of the translations."""
    schema_path: str | None = Field(default=None, min_length=1, alias="schema")
    """A curated schema (`schema.pbtxt`) to validate the examples against; null infers one."""
    max_rejected_fraction: float = Field(default=0.01, ge=0, le=1)
    """Largest allowed share of malformed lines; the run stops above it."""
    max_words: int = Field(default=200, ge=1)
    """Largest number of words on one side; longer lines are malformed."""
    max_characters: int = Field(default=2000, ge=1)
    """Largest number of characters on one side; longer lines are malformed."""
    max_length_ratio: float = Field(default=9.0, ge=1)
    """Largest ratio of the numbers of words on both sides; pairs above it are malformed."""
    filters: list[FilterName] = Field(default_factory=lambda: list(DEFAULT_FILTERS))
    """Filters of training pairs, in their order; each pair counts for the first that finds it.
    Validation and test text is only counted."""
    weights: dict[SliceName, Annotated[float, Field(ge=0, le=100)]] = Field(default_factory=dict)
    """How often pairs are trained on in an epoch, by a value of a feature of the corpus, such as
    `{domain=dictionary: 0.2}`; all others once."""
    train_spans: int | None = Field(default=None, ge=1)
    """Number of newest spans of the corpus (its folders `span-1`, `span-2`, ...) to train on; null
    trains on all."""


class EvaluationSettings(GateBounds):
    """The gate: a model must pass it to be blessed and served."""

    tokeniser: Tokeniser | None = None
    """sacreBLEU's tokeniser for BLEU; null takes that of the target language: zh, ja-mecab,
    ko-mecab, char for Thai, Lao, Khmer, Burmese and Tibetan, else 13a. flores200 needs the package
    sentencepiece, and a download."""
    max_minutes: float = Field(default=60.0, gt=0)
    """Longest time of the evaluation, in minutes, before the run fails."""

    @model_validator(mode="after")
    def _has_floor(self) -> "EvaluationSettings":
        if self.metric == "chrf" and self.min_chrf is None:
            raise ValueError("metric is chrf, so min_chrf must be set: the lowest chrF to go live.")
        return self


class ServingValidationSettings(Settings):
    """The trial of an export in a clean process before it is pushed."""

    request_seconds: float = Field(default=60.0, gt=0)
    """Longest time of one request, in seconds."""


class ServingSettings(Settings):
    """The folder of model versions, watched by servers."""

    keep_versions: int = Field(default=5, ge=2)
    """Number of newest versions to keep. Versions needed by a rollback are kept as well."""


class ReportSettings(Settings):
    """The report of a run."""

    sentences: int = Field(default=500, ge=1, le=10_000)
    """Largest number of test sentences to translate for the report: a sample drawn with the
    seed."""


class PipelineConfig(Settings):
    """All settings of a run."""

    name: str = Field(pattern=NAME)
    """Name of the pipeline, its models and its reports in the workspace."""
    seed: int = Field(default=1, ge=0, le=2**31 - 1)
    """Seed of all random numbers: initial weights, order of the sentences, dropout, bootstrap."""
    data: DataSettings
    subwords: SubwordSettings = Field(default_factory=SubwordSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    decoding: DecodingSettings = Field(default_factory=DecodingSettings)
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings)
    serving_validation: ServingValidationSettings = Field(default_factory=ServingValidationSettings)
    serving: ServingSettings = Field(default_factory=ServingSettings)
    report: ReportSettings = Field(default_factory=ReportSettings)
    beam: BeamSettings = Field(default_factory=BeamSettings)
    kubeflow: KubeflowSettings = Field(default_factory=KubeflowSettings)

    @model_validator(mode="after")
    def _attention_can_align(self) -> "PipelineConfig":
        if self.training.alignment_weight and not self.model.attends:
            raise ValueError(
                "training.alignment_weight needs attention, but model.attention is none."
            )
        return self

    @property
    def scoring(self) -> Scoring:
        """How translations are scored: in training, by the gate and in benchmarks."""
        evaluation = self.evaluation
        by_language = tokeniser_of(self.data.target_language)
        return Scoring(evaluation.metric, evaluation.tokeniser or by_language)

    @property
    def gate(self) -> GateSettings:
        """The settings of the gate."""
        bounds = self.evaluation.model_dump(exclude={"max_minutes", "tokeniser"})
        return GateSettings(**bounds, tokeniser=self.scoring.tokeniser, seed=self.seed)

    def as_yaml(self) -> str:
        """Returns the complete configuration as YAML; `load_config` reads it back unchanged.

        Above each key stands its explanation, with its choices or its range if limited.
        """
        schema = KeySchema(type(self))
        comments = {
            tuple(key.split(".")): schema.explanation(key) for key in schema.sections + schema.keys
        }
        return strict_yaml.dump(self.model_dump(mode="json", by_alias=True), comments)


def shipped_configs() -> list[str]:
    """Returns the names of the shipped configurations, for `--config`."""
    folder = resources.files("pipeline.config") / "shipped"
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    )


def load_config(
    name_or_path: str, overrides: Sequence[str] = (), workspace: str | None = None
) -> PipelineConfig:
    """Reads a configuration.

    Args:
        name_or_path: the name of a shipped configuration or of one in the workspace, or the path of
            a YAML file.
        overrides: `section.key=value`, each value written as in a YAML file; a later one wins.
        workspace: the value of `--workspace`.

    Raises:
        UserError: the configuration is wrong; the message has one line for each problem.
    """
    stem, shown, text = _read(name_or_path, workspace)
    try:
        document = strict_yaml.parse(text)
    except strict_yaml.YamlError as error:
        raise UserError(f"{_place(shown, error.line)}: {error.sentence}.") from error
    places = {path: _place(shown, line) for path, line in document.lines.items()}
    return build_config(document.values, overrides, default_name=stem, shown=shown, places=places)


def build_config(
    values: dict[str, Any],
    overrides: Sequence[str] = (),
    *,
    default_name: str,
    shown: str = "configuration",
    places: dict[tuple[str, ...], str] | None = None,
) -> PipelineConfig:
    """Validates the values of a configuration.

    Args:
        values: the nested mapping of a file; it is changed in place by the overrides.
        overrides: `section.key=value`, applied in order.
        default_name: the pipeline's name if `values` has none.
        shown: the name of the configuration in error messages.
        places: the file and line of each key, by its path, for error messages.

    Raises:
        UserError: the configuration is wrong; the message has one line for each problem.
    """
    schema = KeySchema(PipelineConfig)
    places = {} if places is None else dict(places)
    problems: list[str] = []
    for text in overrides:
        override = parse_override(text, schema)
        if not isinstance(override, Override):
            problems.append(override)
        elif apply_override(values, override):
            places[override.path] = f"--set {text}"
    if "name" not in values:
        values["name"] = default_name
        places["name",] = f"{shown} (a file without `name` is called by its own name)"
    try:
        config = PipelineConfig.model_validate(values, strict=True)
    except ValidationError as error:
        problems += explain(error, schema, shown=shown, places=places)
        raise UserError("\n".join(problems)) from error
    if problems:
        raise UserError("\n".join(problems))
    return config


def made_configs(workspace: str | None = None) -> dict[str, str]:
    """Returns the configurations that `nmt corpus` made in a local workspace: files by name.

    Args:
        workspace: the value of `--workspace`.
    """
    folder = Path(Workspace.resolve(workspace).configurations)
    return {path.stem: str(path) for path in sorted(folder.glob("*.yaml"))}


def _read(name_or_path: str, workspace: str | None) -> tuple[str, str, str]:
    """Finds a configuration; returns its stem, its name in error messages, and its text."""
    if name_or_path in shipped_configs():
        file = resources.files("pipeline.config") / "shipped" / f"{name_or_path}.yaml"
        return name_or_path, f"{name_or_path}.yaml", file.read_text(encoding="utf-8")
    made = made_configs(workspace) if re.fullmatch(NAME, name_or_path) else {}
    shown = made.get(name_or_path, name_or_path)
    path = Path(shown)
    known = ", ".join([*shipped_configs(), *made])
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise UserError(
                f"{name_or_path!r} is larger than {_MOST_BYTES // 1024} KiB, so it is no "
                "configuration: `nmt config show` prints a complete one."
            )
        return path.stem, shown, content.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(
            f"There is no configuration {name_or_path!r}: give the path of a YAML file "
            f"or one of the names {known}. `nmt corpus` makes one for each further corpus."
        ) from error
    except IsADirectoryError as error:
        raise UserError(
            f"{name_or_path!r} is a folder: give the path of a YAML file "
            f"or one of the names {known}."
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{name_or_path} is not UTF-8 text: save it as UTF-8.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{name_or_path!r} cannot be read: {reason}.") from error


def _place(shown: str, line: int | None) -> str:
    return shown if line is None else f"{shown}, line {line}"
