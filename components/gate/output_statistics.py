"""What a test set's translations are like beside their scores: whether they are there, run in
circles, keep names and numbers, and look at their source.

Each is a share of one count in another, and both are sums over sentences of whole numbers, so that
any division of the test set among workers gives the same number to the last digit.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from components.gate.copied_words import CopiedWord, copied_words, has_digit
from components.gate.repetition import is_loop
from components.gate.served_attention import ServedAttention, read_served_attention
from serving.attention.diagnostics import Diagnosis, diagnose_translation

# The same sentence is measured in every slice that it belongs to, one after the other.
_REMEMBERED_SENTENCES = 4096
# Entropy is no whole number; it is counted in units this small.
_UNITS = 1 << 30

Counts = tuple[int, int]


@dataclass(frozen=True)
class Output:
    """A translation of one sentence, with all that it is judged by."""

    source: str
    reference: str
    hypothesis: str
    attention: ServedAttention | None
    """None where the model does not tell it."""


def _empty_outputs(output: Output) -> Counts:
    return int(not output.hypothesis.strip()), 1


def _repeated_loops(output: Output) -> Counts:
    return int(is_loop(output.source, output.hypothesis)), 1


def _copied_words_kept(output: Output) -> Counts:
    words = _copied(output.source, output.reference, output.hypothesis)
    return sum(word.kept for word in words), sum(word.needed for word in words)


def _numbers_kept(output: Output) -> Counts:
    words = _copied(output.source, output.reference, output.hypothesis)
    numbers = [word for word in words if has_digit(word.word)]
    return sum(word.kept for word in numbers), sum(word.needed for word in numbers)


def _attention_entropy(output: Output) -> Counts:
    diagnosis = _diagnosis(output)
    if diagnosis is None:
        return 0, 0
    targets = diagnosis.measures.targets
    return round(diagnosis.measures.entropy * targets * _UNITS), targets * _UNITS


def _never_looked_at(output: Output) -> Counts:
    diagnosis = _diagnosis(output)
    if diagnosis is None:
        return 0, 0
    return len(diagnosis.never_looked_at), diagnosis.measures.sources


def _spurious_rows(output: Output) -> Counts:
    diagnosis = _diagnosis(output)
    if diagnosis is None:
        return 0, 0
    targets = diagnosis.measures.targets
    return round(diagnosis.measures.astray * targets), targets


SHARES: dict[str, Callable[[Output], Counts]] = {
    "empty_outputs": _empty_outputs,
    "repeated_loops": _repeated_loops,
    "copied_words_kept": _copied_words_kept,
    "numbers_kept": _numbers_kept,
    "attention_entropy": _attention_entropy,
    "never_looked_at": _never_looked_at,
    "spurious_rows": _spurious_rows,
}
"""How each share is counted, in the order of a row of `count_output`."""

DEFINITIONS = {
    "empty_outputs": "share of translations that are empty",
    "repeated_loops": "share of translations that repeat words three times in a row, or letters of "
    "a word four times, as their source does not (components/gate/repetition.py)",
    "copied_words_kept": "share kept of the source words that the reference copies: names, numbers "
    "(components/gate/copied_words.py)",
    "numbers_kept": "the same of those with a digit",
    "attention_entropy": "mean over target words, 0 if each looks at one place, 1 if at all alike "
    "(serving/attention/diagnostics.py)",
    "never_looked_at": "share of source words that no target word puts 0.1 on "
    "(serving/attention/diagnostics.py)",
    "spurious_rows": "share of target words that look at punctuation and the end more than at "
    "words (serving/attention/diagnostics.py)",
}
"""What each share says, for whoever reads a verdict."""

COUNTS_WIDTH = 2 * len(SHARES)


def count_output(output: Output) -> tuple[int, ...]:
    """The counts of one sentence: [counted, out of] for each of `SHARES`, `COUNTS_WIDTH` numbers.

    The words of attention are those of `serving.attention.diagnostics`, without punctuation; a
    sentence with no words on one side has none.
    """
    return tuple(number for count in SHARES.values() for number in count(output))


def share(name: str, total: np.ndarray) -> float:
    """A share of a corpus.

    Args:
      name: one of `SHARES`.
      total: `[COUNTS_WIDTH]` int64, the sum of the counts of its sentences.

    Returns:
      0 to 1; not a number where there is nothing to count.
    """
    place = 2 * list(SHARES).index(name)
    counted, out_of = int(total[place]), int(total[place + 1])
    return counted / out_of if out_of else float("nan")


def _diagnosis(output: Output) -> Diagnosis | None:
    if output.attention is None:
        return None
    return _diagnose(output.source, output.hypothesis, output.attention)


@functools.lru_cache(_REMEMBERED_SENTENCES)
def _diagnose(source: str, hypothesis: str, attention: ServedAttention) -> Diagnosis | None:
    translation = read_served_attention(hypothesis, attention)
    return None if translation is None else diagnose_translation(source, translation)


@functools.lru_cache(_REMEMBERED_SENTENCES)
def _copied(source: str, reference: str, hypothesis: str) -> tuple[CopiedWord, ...]:
    return tuple(copied_words(source, reference, hypothesis))
