"""The kinds of doubt about the translation of a sentence.

Each is a number, the larger the more doubtful, and a warning above its limit. When a model is
exported, its limits are set on the validation split (`trainer.doubt`). Without them, as with older
exports, the kinds that need none still warn.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from serving.attention.diagnostics import LOOKED_AT_FROM, diagnose_translation
from serving.contract.signatures import END_SYMBOL
from serving.contract.translation import Calibration, Translation
from text.numbers import missing_numbers
from text.protected import changed_parts
from text.repetition import longest_loop
from text.words import words_of

_SLACK = 5
"""Characters added to both lengths: the ratio of short texts says little."""
_READ_FOR_LOOPS = 2_000
"""Characters; the time grows with their square, and these take a tenth of a second at worst."""
_READ_FOR_PARTS = 20_000
"""Characters; a longer text is cut by the model, and marked as truncated."""
_AT_ALL = 0.5
"""The limit of kinds that count something: once is too often."""


@dataclass(frozen=True)
class Kind:
    """A kind of doubt."""

    warning: str
    measure: Callable[[str, Translation, Calibration], float]
    """Takes the source and its translation, which is neither empty nor cut if `needs_answer`."""
    limit: float = math.inf
    """The limit without calibration, and the lowest with it."""
    named: Callable[[str, Translation], Sequence[str]] | None = None
    """Finds the words to show with the warning; without any, there is none."""
    needs_answer: bool = True
    """Whether it is 0 for an answer that is empty or cut."""
    is_certain: bool = False
    """Whether a calibration leaves the limit as it is, since each case is a mistake."""


def _language(source: str, translation: Translation, calibration: Calibration) -> float:
    """Rises with subwords that are rare in the training text, and with short ones."""
    return calibration.surprise


def _empty(source: str, translation: Translation, calibration: Calibration) -> float:
    """Counts an answer of mere punctuation as empty, unless its source is that, too."""
    answer = words_of(translation.text) or (not words_of(source) and translation.text.strip())
    return float(bool(source.strip()) and not answer)


def _loop(source: str, translation: Translation, calibration: Calibration) -> float:
    return longest_loop(source[:_READ_FOR_LOOPS], translation.text[:_READ_FOR_LOOPS])


def _unread(source: str, translation: Translation, calibration: Calibration) -> float:
    """Returns the share of source subwords with hardly any attention from any target subword."""
    is_end = translation.source_tokens[-1:] == (END_SYMBOL,)
    most = translation.attention.max(axis=0, initial=0)[: -1 if is_end else None]
    return float(np.mean(most < LOOKED_AT_FROM)) if most.size else 0.0


def _unread_words(source: str, translation: Translation) -> Sequence[str]:
    diagnosis = diagnose_translation(source, translation)
    return diagnosis.never_looked_at if diagnosis else ()


def _numbers(source: str, translation: Translation, calibration: Calibration) -> float:
    return len(_missing_numbers(source, translation))


def _missing_numbers(source: str, translation: Translation) -> Sequence[str]:
    return missing_numbers(source, translation.text)


def _protected(source: str, translation: Translation, calibration: Calibration) -> float:
    return len(_changed_parts(source, translation))


def _changed_parts(source: str, translation: Translation) -> Sequence[str]:
    changes = changed_parts(source[:_READ_FOR_PARTS], translation.text[:_READ_FOR_PARTS])
    return [
        *(f"missing {part}" for part in changes.missing),
        *(f"added {part}" for part in changes.added),
        *(f"reordered {part}" for part in changes.reordered),
    ]


def _length(source: str, translation: Translation, calibration: Calibration) -> float:
    """Compares the ratio of the lengths with the usual one, in both directions."""
    usual = len(source) * calibration.length_ratio
    return abs(math.log((len(translation.text) + _SLACK) / (usual + _SLACK)))


def _score(source: str, translation: Translation, calibration: Calibration) -> float:
    return -translation.score


KINDS: Mapping[str, Kind] = {
    "language": Kind("unlike the training text", _language, needs_answer=False),
    "empty": Kind("empty answer", _empty, _AT_ALL, needs_answer=False),
    "loop": Kind("repeats itself", _loop, _AT_ALL, needs_answer=False),
    "unread": Kind("perhaps not translated", _unread, named=_unread_words),
    "numbers": Kind("missing numbers", _numbers, _AT_ALL, _missing_numbers),
    "length": Kind("unusual length", _length),
    "score": Kind("low score", _score, needs_answer=False),
    "protected": Kind(
        "protected", _protected, _AT_ALL, _changed_parts, needs_answer=False, is_certain=True
    ),
}
"""All kinds. The order is that of the limits in an export, so a new one comes last."""


def measure(kind: Kind, source: str, translation: Translation, calibration: Calibration) -> float:
    """Returns how doubtful a translation is."""
    if kind.needs_answer and (translation.truncated or not translation.text.strip()):
        return 0.0
    return kind.measure(source, translation, calibration)
