"""Chooses the model to begin a training with: the live one, unless this run would make it itself.

Another configuration's model may be named instead, such as a general one for a domain.

A model trained with the same corpus, configuration and code is skipped: it is the result of this
very run. So a second run without changes begins with the same model as the first and uses the
cache. Otherwise each run would train the model further and further. Models withdrawn by a rollback
are skipped, too.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config.settings import PipelineConfig
from pipeline.errors import UserError
from pipeline.workspace import is_remote
from serving.contract import layout
from serving.versions.directory import ModelVersion, fingerprint, list_versions
from serving.versions.integrity import damage
from serving.versions.records import read_records, withdrawn_models
from text.languages import usual_tag

_REQUIRED = "required"
_ORIGIN = ("corpus_checksum", "configuration", "code_digest", "seed")
"""The fields of a model card about the model's origin."""


@dataclass(frozen=True)
class WarmStart:
    """A version to begin training with."""

    name: str
    """Name of the configuration of the model."""
    version: int
    export: str
    """The folder of its SavedModel. Of several versions with the same content this is the oldest,
    so a rollback, which gives the content a new number, changes nothing."""
    fingerprint: str

    @property
    def vocabulary(self) -> str:
        """The path of its subword vocabulary."""
        return os.path.join(self.export, layout.VOCABULARY)


class NoWarmStartError(Exception):
    """There is no model to begin with; the message gives the reason."""


def resolve_warm_start(
    config: PipelineConfig,
    models: Callable[[str], str],
    record: Mapping[str, Any],
    show: Callable[[str], None],
) -> WarmStart | None:
    """Applies the setting `training.warm_start`.

    Args:
      config: the configuration of the new model.
      models: returns the folder of versions of a configuration, by its name.
      record: the record of the new model's origin.
      show: called with a sentence about the chosen model, or the reason for none.

    Returns:
      The version to begin with; None to begin from scratch.

    Raises:
      UserError: there is no such version, and the configuration requires one.
    """
    setting = config.training.warm_start
    if not setting:
        return None
    own = setting is True or setting == _REQUIRED
    name, _, version = (config.name, "", "") if own else str(setting).partition("@")
    try:
        found = choose_warm_start(
            config, models(name), origin_of(record), name, int(version) if version else None
        )
    except NoWarmStartError as error:
        if setting is not True:
            which = "the live model" if own else f"the model {setting}"
            instead = "true" if own else "false"
            raise UserError(
                f"Training cannot begin with {which}: {error}. Fix this, or set "
                f"training.warm_start to {instead} to train from scratch{' in such a case' * own}."
            ) from error
        show(f"      no warm start, training from scratch: {error}")
        return None
    of_other = "" if own else f" of {name}"
    show(
        "      training begins with the weights and the vocabulary of version "
        f"{found.version}{of_other}"
    )
    return found


def choose_warm_start(
    config: PipelineConfig,
    serving_directory: str,
    origin: Mapping[str, Any],
    name: str,
    number: int | None = None,
) -> WarmStart:
    """Finds the version to begin with.

    Args:
      config: the configuration of the new model.
      serving_directory: the folder of versions.
      origin: the origin of the new model, as fields of its card.
      name: the name of the configuration whose versions these are.
      number: the version to take; None for the live one.

    Raises:
      NoWarmStartError: there is no such version, or it is another kind of model.
    """
    if is_remote(serving_directory):
        raise NoWarmStartError(f"{serving_directory} is remote")
    versions = [version for version in list_versions(serving_directory) if version.complete]
    contents = {version.number: fingerprint(version.path) for version in versions}
    withdrawn = withdrawn_models(read_records(serving_directory))
    for version in reversed(versions):
        content = contents[version.number]
        if version.number != number if number else content in withdrawn:
            continue
        which = f"the {'' if number else 'live '}version {version.number}"
        if problem := damage(version.path):
            raise NoWarmStartError(f"{which} is damaged: {problem}")
        card = _read_card(version)
        if not number and _is_of(card, origin):
            continue
        _require_same_kind(config, version, card, which)
        oldest = next(each for each in versions if contents[each.number] == content)
        return WarmStart(name, oldest.number, oldest.path, content)
    if number:
        raise NoWarmStartError(f"there is no version {number} in {serving_directory}")
    raise NoWarmStartError(f"no model but this run's own is live in {serving_directory}")


def origin_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields of a model's record about its origin, in the form of its card."""
    own: dict[str, Any] = json.loads(json.dumps({name: record[name] for name in _ORIGIN}))
    return own


def _is_of(card: Mapping[str, Any], origin: Mapping[str, Any]) -> bool:
    return all(card.get(name) == origin[name] for name in _ORIGIN)


def _read_card(version: ModelVersion) -> dict[str, Any]:
    """Reads the model card of a version; empty if it has none."""
    try:
        found = json.loads(Path(version.path, layout.MODEL_CARD).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _require_same_kind(
    config: PipelineConfig, version: ModelVersion, card: Mapping[str, Any], which: str
) -> None:
    """Raises NoWarmStartError if the weights or the vocabulary of a version do not fit."""
    if "configuration" not in card or not Path(version.path, layout.VOCABULARY).is_file():
        raise NoWarmStartError(f"{which} was not trained here: it has no model card or vocabulary")
    for name in ("source_language", "target_language"):
        wanted = getattr(config.data, name)
        if usual_tag(str(card.get(name))) != usual_tag(wanted):
            raise NoWarmStartError(f"{which} has the {name} {card.get(name)}, not {wanted}")
    for section in ("model", "subwords"):
        wanted = getattr(config, section).model_dump(mode="json")
        found = card["configuration"].get(section, {})
        different = sorted(
            key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)
        )
        if different:
            key = different[0]
            raise NoWarmStartError(
                f"{which} has {section}.{key} {found.get(key)}, not {wanted.get(key)}"
            )
