"""Warnings of doubtful translations, in a few words each."""

from collections.abc import Sequence

from serving.contract.translation import Calibration, Sentence
from serving.doubt.kinds import KINDS, Kind, measure

_UNCALIBRATED = Calibration(0.0, 1.0, tuple(kind.limit for kind in KINDS.values()))
_MOST_NAMED = 5
_LONGEST_NAME = 40


def warnings_of(sentences: Sequence[Sentence]) -> tuple[str, ...]:
    """Returns the warnings of a text: one for each kind of doubt about any of its sentences.

    Args:
      sentences: the sentences of the text, with their translations.
    """
    found = []
    for place, kind in enumerate(KINDS.values()):
        names: dict[str, None] = {}
        doubtful = []
        for number, sentence in enumerate(sentences, start=1):
            if _is_doubtful(place, kind, sentence):
                named = kind.named(sentence.source, sentence.translation) if kind.named else ()
                if named or kind.named is None:
                    doubtful.append(str(number))
                    names |= dict.fromkeys(named)
        if doubtful:
            found.append(_warning(kind, list(names), doubtful if len(sentences) > 1 else []))
    return tuple(found)


def _is_doubtful(place: int, kind: Kind, sentence: Sentence) -> bool:
    calibration = sentence.translation.calibration or _UNCALIBRATED
    # An older export lacks the limits of newer kinds.
    limits = (*calibration.limits, *_UNCALIBRATED.limits[len(calibration.limits) :])
    value = measure(kind, sentence.source, sentence.translation, calibration)
    return value > limits[place]


def _warning(kind: Kind, names: Sequence[str], numbers: Sequence[str]) -> str:
    parts = [kind.warning]
    if names:
        parts.append(f": {_listed(names)}")
    if numbers:
        parts.append(f" (sentence{'s' * (len(numbers) > 1)} {_listed(numbers)})")
    return "".join(parts)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(name[:_LONGEST_NAME] for name in names[:_MOST_NAMED]) + more
