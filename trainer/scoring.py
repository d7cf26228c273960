"""The score of a language: the metric that judges translations into it, and its tokeniser.

Validation and early stopping, the gate, the report and the benchmarks all score by this module and
`trainer.translation_statistics`.

BLEU counts sequences of four tokens, so its tokens must be words. sacreBLEU's usual tokeniser, 13a,
finds words between spaces and punctuation: a whole clause of Chinese is one token, and identical
text may score 0. BLEU says nothing about texts of two or three words either. chrF, of sequences of
characters, needs no words and judges there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from text.languages import parse_language

Metric = Literal["bleu", "chrf"]
Tokeniser = Literal["13a", "zh", "ja-mecab", "ko-mecab", "char", "flores200"]

METRIC_NAMES: Mapping[Metric, str] = {"bleu": "BLEU", "chrf": "chrF"}
SHORTEST_MEAN = 5.0
"""Tokens of the mean reference below which BLEU does not judge: at 5, it has two sequences of
four."""
_TOKENISERS: Mapping[str, Tokeniser] = {
    **dict.fromkeys(("zh", "zho", "cmn", "yue", "wuu", "lzh"), "zh"),
    **dict.fromkeys(("ja", "jpn"), "ja-mecab"),
    **dict.fromkeys(("ko", "kor"), "ko-mecab"),
    # Thai, Lao, Khmer, Burmese, Tibetan and Dzongkha.
    **dict.fromkeys(("th", "tha", "lo", "lao", "km", "khm", "my", "mya"), "char"),
    **dict.fromkeys(("bo", "bod", "dz", "dzo"), "char"),
}


def tokeniser_of(language: str) -> Tokeniser:
    """Returns sacreBLEU's tokeniser for a target language, by its base.

    Args:
      language: a code. A script with spaces counts more than the language: `zh-Latn` is Pinyin.
    """
    _, base, script = parse_language(language)
    return "13a" if script == "Latn" else _TOKENISERS.get(base, "13a")


@dataclass(frozen=True)
class Scoring:
    """How translations are scored."""

    metric: Metric = "bleu"
    """The wanted metric."""
    tokeniser: Tokeniser = "13a"
    """The tokeniser of BLEU."""


class Judge(NamedTuple):
    """The metric that judges, and why."""

    metric: Metric
    rule: str
    """A sentence."""


def choose_judge(scoring: Scoring, tokens: int, sentences: int) -> Judge:
    """Chooses the metric for a set of references.

    The translations do not count, so every model and every epoch is judged alike.

    Args:
      scoring: the wanted metric, and the tokeniser.
      tokens: number of BLEU tokens in the references.
      sentences: number of references.
    """
    if scoring.metric == "chrf":
        return Judge("chrf", "evaluation.metric says chrF.")
    mean = tokens / max(1, sentences)
    length = f"the references have {mean:.1f} tokens ({scoring.tokeniser}) on the average"
    if mean < SHORTEST_MEAN:
        return Judge(
            "chrf",
            f"{length}, fewer than {SHORTEST_MEAN:g}: too short for BLEU, which counts sequences "
            "of four. chrF judges instead.",
        )
    return Judge("bleu", f"{length}, enough for BLEU.")


def rank_epoch(entry: Mapping[str, Any]) -> tuple[float, float]:
    """Returns the rank of an epoch by its entry in the history; more is better.

    While BLEU is 0, chrF tells better epochs from worse ones.
    """
    bleu, chrf = entry["validation_bleu"], entry.get("validation_chrf", 0.0)
    if entry.get("validation_metric") == "chrf":
        return chrf, 0.0
    return bleu, 0.0 if bleu else chrf


def best_epoch(history: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Returns the entry of the best epoch, the first of equal ones."""
    return max(history, key=rank_epoch)
