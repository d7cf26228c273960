"""The sentences of an evaluation to read first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.evaluation_set import EvaluationSet
from trainer.translation_statistics import sentence_statistics


@dataclass(frozen=True)
class TranslatedSentence:
    """A sentence with the translations of one or two systems.

    Attributes:
        line: Its number in the set, from 1.
        source: The text; None if it is not known.
        references: Its human translations.
        system: The system's translation.
        against: The other system's translation; None if there is none.
        chrf: chrF of the system's translation, 0 to 100.
        against_chrf: chrF of the other system's translation; None if there is none.
    """

    line: int
    source: str | None
    references: tuple[str, ...]
    system: str
    against: str | None
    chrf: float
    against_chrf: float | None

    @property
    def change(self) -> float | None:
        """The system's chrF minus the other one's; None without another system."""
        return None if self.against_chrf is None else self.chrf - self.against_chrf


def sentences_to_read(
    texts: EvaluationSet, system: Sequence[str], against: Sequence[str] | None, most: int
) -> list[TranslatedSentence]:
    """Lists the sentences that changed most in chrF, for better or worse, the largest change first.

    Without another system, lists those with the lowest chrF, the lowest first, unless they are
    equal to a reference: chrF of an empty text is always 0.

    Args:
        texts: The sentences.
        system: `[sentences]` translations of the system.
        against: `[sentences]` translations of another system; None if there is none.
        most: Largest number of sentences.
    """
    found = []
    for place, (text, references) in enumerate(zip(system, texts.references, strict=True)):
        other = None if against is None else against[place]
        sentence = TranslatedSentence(
            line=place + 1,
            source=None if texts.sources is None else texts.sources[place],
            references=references,
            system=text,
            against=other,
            chrf=_chrf(text, references),
            against_chrf=None if other is None else _chrf(other, references),
        )
        if text not in references if other is None else sentence.change != 0:
            found.append(sentence)
    return sorted(found, key=_rank)[:most]


def _rank(sentence: TranslatedSentence) -> tuple[float, int]:
    change = sentence.change
    return (sentence.chrf if change is None else -abs(change)), sentence.line


def _chrf(hypothesis: str, references: tuple[str, ...]) -> float:
    statistics = sentence_statistics("chrf")
    return statistics.score(np.asarray(statistics.row(hypothesis, *references), np.int64))
