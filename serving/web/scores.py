"""The scores of a version, from the model card of its export."""

import json
import math
from pathlib import Path

from serving.contract import layout

_IN_CARD = {"bleu": "validation_bleu", "chrf": "validation_chrf"}


def read_scores(model_directory: str | None, version: int) -> dict[str, float | None]:
    """Reads the scores on the validation split.

    Args:
      model_directory: the folder of the versions; None if it is not on this machine.
      version: the number of the version.

    Returns:
      `bleu` and `chrf`, 0 to 100; None for each that no card has, as in an older export.
    """
    training = {} if model_directory is None else _training(Path(model_directory, str(version)))
    return {name: _score(training.get(key)) for name, key in _IN_CARD.items()}


def _training(version_folder: Path) -> dict[str, object]:
    """Returns the facts of the training in a model card; nothing if there are none."""
    try:
        card = json.loads((version_folder / layout.MODEL_CARD).read_bytes())
    except (OSError, ValueError):
        return {}
    training = card.get("training") if isinstance(card, dict) else None
    return training if isinstance(training, dict) else {}


def _score(value: object) -> float | None:
    return value if isinstance(value, float) and math.isfinite(value) else None
