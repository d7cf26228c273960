"""Statistics of translations beside their scores: empty ones, loops, copied words, attention.

Each statistic is one count divided by another. Both are sums of integers over sentences, so any
division of the test set among workers gives the same result to the last digit.
"""

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from components.gate.copied_words import CopiedWord, copied_words, has_digit
from components.gate.served_attention import ServedAttention, read_served_attention
from serving.attention.diagnostics import Diagnosis, diagnose_translation
from text.protected import protected_parts
from text.repetition import is_loop

# Each slice measures a sentence again, shortly after the one before.
_CACHED_SENTENCES = 4096
# Entropy is not an integer, so it is counted in units of 2^-30.
_UNITS = 1 << 30

Counts = tuple[int, int]


@dataclass(frozen=True)
class Output:
    """A translation of one sentence, with the inputs of its statistics."""

    source: str
    reference: str
    hypothesis: str
    attention: ServedAttention | None
    """None if the model does not return it."""


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


def _placeholders_kept(output: Output) -> Counts:
    needed, found = _parts(output.source) & _parts(output.reference), _parts(output.hypothesis)
    return (needed & found).total(), needed.total()


def _parts(text: str) -> Counter[str]:
    return Counter(protected_parts(text))


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
    "placeholders_kept": _placeholders_kept,
    "attention_entropy": _attention_entropy,
    "never_looked_at": _never_looked_at,
    "spurious_rows": _spurious_rows,
}
"""The function behind each share, in the order of `count_output`."""

DEFINITIONS = {
    "empty_outputs": "share of translations that are empty",
    "repeated_loops": "share of translations that repeat words three times in a row, or letters of "
    "a word four times, as their source does not (text/repetition.py)",
    "copied_words_kept": "share kept of the source words that the reference copies: names, numbers "
    "(components/gate/copied_words.py)",
    "numbers_kept": "the same share of the words with a digit",
    "placeholders_kept": "share kept of the placeholders, tags, addresses, paths and options that "
    "are in source and reference (text/protected.py)",
    "attention_entropy": "mean over target words, 0 if each attends to one source word, 1 if to "
    "all equally (serving/attention/diagnostics.py)",
    "never_looked_at": "share of source words with an attention weight below 0.1 from every target "
    "word (serving/attention/diagnostics.py)",
    "spurious_rows": "share of target words that attend more to punctuation and the end than to "
    "words (serving/attention/diagnostics.py)",
}
"""The meaning of each share, for readers of a verdict."""

COUNTS_WIDTH = 2 * len(SHARES)


def count_output(output: Output) -> tuple[int, ...]:
    """Returns the counts of one sentence: [counted, out of] for each of `SHARES`.

    These are `COUNTS_WIDTH` numbers. Attention counts the words of `serving.attention.diagnostics`,
    without punctuation; if a side of the sentence has no words, its attention counts are 0.
    """
    return tuple(number for count in SHARES.values() for number in count(output))


def share(name: str, total: np.ndarray) -> float:
    """Computes a share over a corpus.

    Args:
      name: one of `SHARES`.
      total: `[COUNTS_WIDTH]` int64, the sum of the counts of its sentences.

    Returns:
      0 to 1, or NaN if there is nothing to count.
    """
    place = 2 * list(SHARES).index(name)
    counted, out_of = int(total[place]), int(total[place + 1])
    return counted / out_of if out_of else float("nan")


def _diagnosis(output: Output) -> Diagnosis | None:
    if output.attention is None:
        return None
    return _diagnose(output.source, output.hypothesis, output.attention)


@functools.lru_cache(_CACHED_SENTENCES)
def _diagnose(source: str, hypothesis: str, attention: ServedAttention) -> Diagnosis | None:
    translation = read_served_attention(hypothesis, attention)
    return None if translation is None else diagnose_translation(source, translation)


@functools.lru_cache(_CACHED_SENTENCES)
def _copied(source: str, reference: str, hypothesis: str) -> tuple[CopiedWord, ...]:
    return tuple(copied_words(source, reference, hypothesis))
