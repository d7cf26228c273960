"""Which model a training begins with: the live one, as far as this run did not make it itself.

A model that was trained on this very corpus with this configuration and code is what this run would
make, or made already. It is passed over, so that a second run with nothing changed begins where the
first began, and is answered from the cache, instead of training the model further and further.
Passed over is also what a rollback took back.
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
from serving.versions.records import read_records, withdrawn_models

_ORIGIN = ("corpus_checksum", "configuration", "code_digest", "seed")
"""What of a model's card says what it was made from."""


@dataclass(frozen=True)
class WarmStart:
    """A version to begin with."""

    version: int
    export: str
    """The folder of its SavedModel: the oldest version of the same content, so that a rollback,
    which gives the content a new number, changes nothing."""
    fingerprint: str

    @property
    def vocabulary(self) -> str:
        """The path of its subword vocabulary."""
        return os.path.join(self.export, layout.VOCABULARY)


class NoWarmStartError(Exception):
    """There is no model to begin with: why, in words."""


def resolve_warm_start(
    config: PipelineConfig,
    serving_directory: str,
    record: Mapping[str, Any],
    show: Callable[[str], None],
) -> WarmStart | None:
    """Does what `training.warm_start` says.

    Args:
      config: what the new model shall be.
      serving_directory: the folder of versions.
      record: what will be recorded of the new model's origin.
      show: is told with which model training begins, or why with none.

    Returns:
      The version to begin with; None to begin from scratch.

    Raises:
      UserError: there is none, and the configuration requires one.
    """
    if not config.training.warm_start:
        return None
    try:
        found = choose_warm_start(config, serving_directory, origin_of(record))
    except NoWarmStartError as error:
        if config.training.warm_start == "required":
            raise UserError(
                f"Training cannot begin with the live model: {error}. Set training.warm_start to "
                "true to train from scratch where that is so, or fix it."
            ) from error
        show(f"      no warm start, training from scratch: {error}")
        return None
    show(f"      training begins with the weights and the vocabulary of version {found.version}")
    return found


def choose_warm_start(
    config: PipelineConfig, serving_directory: str, origin: Mapping[str, Any]
) -> WarmStart:
    """Finds the version to begin with.

    Args:
      config: what the new model shall be.
      serving_directory: the folder of versions.
      origin: what the new model is made from: the fields of its card that say so.

    Raises:
      NoWarmStartError: there is none, or it is another kind of model.
    """
    if is_remote(serving_directory):
        raise NoWarmStartError(f"{serving_directory} is remote")
    versions = [version for version in list_versions(serving_directory) if version.complete]
    contents = {version.number: fingerprint(version.path) for version in versions}
    withdrawn = withdrawn_models(read_records(serving_directory))
    for version in reversed(versions):
        content = contents[version.number]
        card = _read_card(version)
        if content in withdrawn or _is_of(card, origin):
            continue
        _require_same_kind(config, version, card)
        oldest = next(each for each in versions if contents[each.number] == content)
        return WarmStart(oldest.number, oldest.path, content)
    raise NoWarmStartError(f"no model but this run's own is live in {serving_directory}")


def origin_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """What of a model's record says what it is made from, as its card has it."""
    own: dict[str, Any] = json.loads(json.dumps({name: record[name] for name in _ORIGIN}))
    return own


def _is_of(card: Mapping[str, Any], origin: Mapping[str, Any]) -> bool:
    return all(card.get(name) == origin[name] for name in _ORIGIN)


def _read_card(version: ModelVersion) -> dict[str, Any]:
    """What a version says about itself; nothing where it says nothing."""
    try:
        found = json.loads(Path(version.path, layout.MODEL_CARD).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _require_same_kind(
    config: PipelineConfig, version: ModelVersion, card: Mapping[str, Any]
) -> None:
    """Raises NoWarmStartError unless the weights and the vocabulary of a version fit."""
    which = f"the live version {version.number}"
    if "configuration" not in card or not Path(version.path, layout.VOCABULARY).is_file():
        raise NoWarmStartError(f"{which} was not trained here: it has no model card or vocabulary")
    for name in ("source_language", "target_language"):
        wanted = getattr(config.data, name)
        if card.get(name) != wanted:
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
