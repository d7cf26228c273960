"""Corpus scores of translations from sufficient statistics of single sentences.

BLEU, chrF and TER of a corpus are functions of sums over its sentences. So each sentence is reduced
once to a short row of integers. Rows can be summed in any order and on any number of workers; the
sums give sacreBLEU's score to the last digit. Resampling a test set then only adds up rows (see
`components.gate.paired_bootstrap`). `trainer.scoring` chooses the tokeniser.

To add a score, write a class with the members of `ResampledStatistics` and add it to `_KINDS`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU, CHRF, TER

from trainer.scoring import Judge, Scoring, Tokeniser, choose_judge

# Each slice scores a sentence again, shortly after the one before.
_CACHED_SENTENCES = 4096


class MissingTokeniserError(Exception):
    """A tokeniser of BLEU cannot be loaded."""


class SentenceStatistics(Protocol):
    """A score: makes a row per sentence, and the score from a sum of rows."""

    @property
    def width(self) -> int:
        """Number of integers in a row."""

    def row(self, hypothesis: str, *references: str) -> Sequence[int]:
        """Returns the sufficient statistics of one sentence.

        Args:
          hypothesis: The translation, not tokenized.
          references: The human translations, at least one, as many as of every other sentence.

        Returns:
          `[width]` counts.
        """

    def score(self, total: NDArray[np.int64]) -> float:
        """Returns sacreBLEU's corpus score.

        Args:
          total: `[width]` int64, the sum of the rows of the corpus.
        """

    def signature(self, references: int = 1) -> str:
        """Returns sacreBLEU's signature of the score, with its version.

        Args:
          references: Number of references of each sentence.
        """


class ResampledStatistics(SentenceStatistics, Protocol):
    """A score computed for many sums at once, for resampling."""

    def scores(self, totals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the corpus scores of many sums of rows.

        Args:
          totals: `[resamples, width]` float64 with integer values.

        Returns:
          `[resamples]` float64, equal to `score` except for rounding.
        """


class BleuStatistics:
    """Cased BLEU (Papineni et al., 2002) with sacreBLEU's defaults.

    These are 4-grams and exponential smoothing, and by default the tokeniser 13a.

    A row is [hypothesis length, length of the closest reference, matches of order 1 to 4, n-grams
    of order 1 to 4].
    """

    width = 10
    _order = 4

    def __init__(self, tokeniser: Tokeniser = "13a") -> None:
        # `force` only silences a warning about text ending in " .".
        self._bleu = BLEU(tokenize=tokeniser, force=True)
        self.row = functools.lru_cache(_CACHED_SENTENCES)(self._row)

    def _row(self, hypothesis: str, *references: str) -> tuple[int, ...]:
        counts = self._bleu.corpus_score([hypothesis], [[each] for each in references])
        return (counts.sys_len, counts.ref_len, *counts.counts, *counts.totals)

    def score(self, total: NDArray[np.int64]) -> float:
        hypothesis_length, reference_length, *counts = (int(number) for number in total)
        return float(
            BLEU.compute_bleu(
                correct=counts[: self._order],
                total=counts[self._order :],
                sys_len=hypothesis_length,
                ref_len=reference_length,
                smooth_method=self._bleu.smooth_method,
            ).score
        )

    def scores(self, totals: NDArray[np.float64]) -> NDArray[np.float64]:
        hypothesis_length, reference_length = totals[:, 0], totals[:, 1]
        matches = totals[:, 2 : 2 + self._order]
        ngrams = totals[:, 2 + self._order :]
        # Exponential smoothing (NIST, mteval-v13a): the k-th order without a match gets 1 / 2^k
        # matches.
        without_match = matches == 0
        smoothed = np.where(without_match, 0.5 ** np.cumsum(without_match, axis=1), matches)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_precision = np.log(100.0 * smoothed / ngrams).mean(axis=1)
            brevity = np.minimum(0.0, 1.0 - reference_length / hypothesis_length)
            bleu = np.exp(log_precision + brevity)
        # As in sacreBLEU, the score is 0 without any match or without n-grams of some order.
        defined = matches.any(axis=1) & ngrams.all(axis=1)
        return np.where(defined, bleu, 0.0)

    def signature(self, references: int = 1) -> str:
        return _signature(self._bleu, references)


class ChrfStatistics:
    """chrF2 (Popović, 2015), or chrF2++ (Popović, 2017), with sacreBLEU's defaults.

    These are character n-grams of order 1 to 6 and beta 2. chrF2++ has word n-grams of order 1 and
    2, too.

    A row is [n-grams of the hypothesis, n-grams of the best reference, matches] for each order.
    """

    def __init__(self, word_order: int = 0) -> None:
        self._chrf = CHRF(word_order=word_order)
        self.width = 3 * (CHRF.CHAR_ORDER + word_order)
        self.row = functools.lru_cache(_CACHED_SENTENCES)(self._row)

    def _row(self, hypothesis: str, *references: str) -> tuple[int, ...]:
        # sacreBLEU's chrF score does not include its counts. They come from the private method of
        # its significance tests; the golden tests compare it with the public corpus score.
        [row] = self._chrf._extract_corpus_statistics([hypothesis], [[each] for each in references])
        return tuple(row)

    def score(self, total: NDArray[np.int64]) -> float:
        counts = [int(number) for number in total]
        return float(self._chrf._compute_score_from_stats(counts).score)

    def scores(self, totals: NDArray[np.float64]) -> NDArray[np.float64]:
        ngrams, of_reference, matches = (totals[:, place::3] for place in range(3))
        # As in sacreBLEU, an order without n-grams on one side does not count.
        counted = (ngrams > 0) & (of_reference > 0)
        orders = np.maximum(1, counted.sum(axis=1))
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.where(counted, matches / ngrams, 0.0).sum(axis=1) / orders
            recall = np.where(counted, matches / of_reference, 0.0).sum(axis=1) / orders
            squared = self._chrf.beta**2
            score = (1 + squared) * precision * recall / (squared * precision + recall)
        return np.where(precision + recall > 0, 100.0 * score, 0.0)

    def signature(self, references: int = 1) -> str:
        return _signature(self._chrf, references)


class TerStatistics:
    """Translation edit rate (Snover et al., 2006) with sacreBLEU's defaults.

    It uses tercom's tokens in lower case, and for Chinese and Japanese their characters. 0 is best;
    the rate may exceed 100.

    A row is [edits times the number of references, words of all references]: the rate divides the
    edits by the mean length of the references.
    """

    width = 2

    def __init__(self, tokeniser: Tokeniser = "13a") -> None:
        # tercom needs both for characters.
        by_characters = tokeniser in ("zh", "ja-mecab")
        self._ter = TER(normalized=by_characters, asian_support=by_characters)
        self.row = functools.lru_cache(_CACHED_SENTENCES)(self._row)

    def _row(self, hypothesis: str, *references: str) -> tuple[int, int]:
        counts = self._ter.corpus_score([hypothesis], [[each] for each in references])
        return counts.num_edits * len(references), round(counts.ref_length * len(references))

    def score(self, total: NDArray[np.int64]) -> float:
        edits, reference_words = (int(number) for number in total)
        if not reference_words:
            # As in sacreBLEU: for an empty reference, only an empty translation is right.
            return 100.0 if edits else 0.0
        return 100 * (edits / reference_words)

    def scores(self, totals: NDArray[np.float64]) -> NDArray[np.float64]:
        edits, reference_words = totals.T
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = 100.0 * (edits / reference_words)
        return np.where(reference_words > 0, rate, np.where(edits > 0, 100.0, 0.0))

    def signature(self, references: int = 1) -> str:
        return _signature(self._ter, references)


class LengthRatioStatistics:
    """Number of BLEU tokens in the translations divided by the number in the references.

    sacreBLEU prints this ratio beside BLEU and derives the brevity penalty from it. At 1 the
    translations are as long as the references.

    A row is a row of `BleuStatistics`.
    """

    width = BleuStatistics.width

    def __init__(self, tokeniser: Tokeniser = "13a") -> None:
        self._bleu = bleu_statistics(tokeniser)
        self.row = self._bleu.row

    def score(self, total: NDArray[np.int64]) -> float:
        hypothesis_length, reference_length = int(total[0]), int(total[1])
        return hypothesis_length / reference_length if reference_length else 0.0

    def signature(self, references: int = 1) -> str:
        return self._bleu.signature(references)


@functools.cache
def bleu_statistics(tokeniser: Tokeniser = "13a") -> BleuStatistics:
    """Returns this process's single object for BLEU with a tokeniser.

    Raises:
      MissingTokeniserError: The tokeniser cannot be loaded.
    """
    try:
        return BleuStatistics(tokeniser)
    except (ImportError, RuntimeError, OSError, SystemExit) as error:
        advice = (
            "it needs the package sentencepiece, and sacreBLEU downloads its model once: install "
            "the package, connect this machine, or leave evaluation.tokeniser null"
            if tokeniser == "flores200"
            else "install the packages of sacrebleu[ja,ko], as requirements.lock names them"
        )
        reason = " ".join(str(error).split())
        raise MissingTokeniserError(
            f"sacreBLEU's tokeniser {tokeniser} cannot be loaded: {advice}. ({reason})"
        ) from error


_KINDS: dict[str, Callable[[Tokeniser], ResampledStatistics]] = {
    "bleu": bleu_statistics,
    "chrf": lambda _: ChrfStatistics(),
    "chrf++": lambda _: ChrfStatistics(word_order=2),
    "ter": TerStatistics,
}


def sentence_statistics(kind: str, tokeniser: Tokeniser = "13a") -> SentenceStatistics:
    """Returns this process's single object for a score, so Beam need not pickle it.

    Args:
      kind: `bleu`, `chrf`, `chrf++`, `ter` or `length_ratio`.
      tokeniser: That of `bleu` and `length_ratio`; `ter` follows it.

    Raises:
      ValueError: The score is unknown.
      MissingTokeniserError: The tokeniser cannot be loaded.
    """
    if kind == "length_ratio":
        return _length_ratio(tokeniser)
    return resampled_statistics(kind, tokeniser)


@functools.cache
def resampled_statistics(kind: str, tokeniser: Tokeniser = "13a") -> ResampledStatistics:
    """Returns the object of `sentence_statistics` for a score other than `length_ratio`."""
    if kind not in _KINDS:
        known = ", ".join([*_KINDS, "length_ratio"])
        raise ValueError(f"There is no score {kind!r}; there are {known}.")
    return _KINDS[kind](tokeniser)


@functools.cache
def _length_ratio(tokeniser: Tokeniser) -> LengthRatioStatistics:
    return LengthRatioStatistics(tokeniser)


def judge_of(scoring: Scoring, references: Sequence[str]) -> Judge:
    """Chooses the metric for these references."""
    statistics = bleu_statistics(scoring.tokeniser)
    tokens = sum(statistics.row("", reference)[1] for reference in references)
    return choose_judge(scoring, tokens, len(references))


def corpus_score(
    kind: str,
    hypotheses: Sequence[str],
    references: Sequence[str],
    tokeniser: Tokeniser = "13a",
) -> float:
    """Computes the score of a corpus in memory in the same way as the Evaluator.

    Args:
      kind: A score of `sentence_statistics`.
      hypotheses: `[sentences]` translations.
      references: `[sentences]` human translations.
      tokeniser: That of `bleu` and `length_ratio`; `ter` follows it.

    Returns:
      sacreBLEU's score; `bleu` and `chrf` are from 0 to 100.
    """
    statistics = sentence_statistics(kind, tokeniser)
    total = np.zeros(statistics.width, np.int64)
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        total += np.asarray(statistics.row(hypothesis, reference), np.int64)
    return statistics.score(total)


def signature(kind: str, tokeniser: Tokeniser = "13a", references: int = 1) -> str:
    """Returns sacreBLEU's signature of a score, with its version, tokeniser and references."""
    return sentence_statistics(kind, tokeniser).signature(references)


def _signature(metric: BLEU | CHRF | TER, references: int) -> str:
    # sacreBLEU knows the number of references only after a first score.
    metric.corpus_score(["a"], [["a"]] * references)
    return str(metric.get_signature())
