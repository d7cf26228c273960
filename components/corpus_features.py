"""The features of a corpus: further columns of its lines, named in `corpus.json`, such as `domain`.

The gate can slice by them; models do not learn from them. This module uses neither TFX nor Beam.
"""

import json
import re
from collections.abc import Iterable

from components.parallel_text import CorpusError

INFORMATION_FILE = "corpus.json"
LENGTH_BUCKET = "length_bucket"
"""The feature of every example."""
RESERVED_NAMES = ("source", "target", LENGTH_BUCKET)
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def check_features(names: Iterable[str]) -> tuple[str, ...]:
    """Checks the names of features and returns them in the order of their columns.

    Raises:
        CorpusError: a name is malformed, reserved or repeated.
    """
    checked: list[str] = []
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise CorpusError(
                f"{name!r} is no name for a feature: use lower-case letters, digits and "
                "underscores, a letter first."
            )
        if name in RESERVED_NAMES:
            raise CorpusError(
                f"{name} is part of every example already; give the feature another name."
            )
        if name in checked:
            raise CorpusError(f"The feature {name} is named twice; name each column once.")
        checked.append(name)
    return tuple(checked)


def declared_features(information: str | bytes) -> tuple[str, ...]:
    """Returns the features declared by a corpus.

    Args:
        information: the text of its `corpus.json`.

    Raises:
        CorpusError: the text cannot be read, or a name is not allowed.
    """
    try:
        document = json.loads(information)
    except ValueError as error:
        raise CorpusError(f"{INFORMATION_FILE} of the corpus is no JSON ({error}).") from error
    names = document.get("features", []) if isinstance(document, dict) else None
    if not isinstance(names, list):
        raise CorpusError(
            f"{INFORMATION_FILE} of the corpus must be an object, and `features` in it a list of "
            "names."
        )
    return check_features(names)
