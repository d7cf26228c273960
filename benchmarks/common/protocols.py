"""How translations are scored: the two BLEU protocols of this field, and what is made of them.

A BLEU without its protocol means little: the same translations differ by points between the two.
Every score carries sacreBLEU's signature (Post, "A Call for Clarity in Reporting BLEU Scores", WMT
2018).
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from sacrebleu.metrics import BLEU
from sacremoses import MosesPunctNormalizer, MosesTokenizer

from components.gate.paired_bootstrap import paired_bootstrap
from components.gate.translation_statistics import (
    bleu_signature,
    chrf_signature,
    corpus_score,
    resampled_statistics,
)
from components.parallel_text import LENGTH_BUCKETS, length_bucket

BOOTSTRAP_RESAMPLES = 1000


@dataclass(frozen=True)
class Score:
    """A corpus score, 0 to 100, and how it was made."""

    value: float
    signature: str


@dataclass(frozen=True)
class BucketScore:
    """Cased BLEU of the sentences of one length."""

    bleu: float
    """Not a number where there is no such sentence."""
    sentences: int


def cased_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Cased BLEU of the text as a reader sees it: sacreBLEU's default, and what the gate uses.

    Args:
      hypotheses: [sentences] translations.
      references: [sentences] human translations.
    """
    return Score(corpus_score("bleu", hypotheses, references), bleu_signature())


def chrf(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """chrF2 of the text as a reader sees it.

    Args:
      hypotheses: [sentences] translations.
      references: [sentences] human translations.
    """
    return Score(corpus_score("chrf", hypotheses, references), chrf_signature())


def lowercased_tokenised_bleu(
    hypotheses: Sequence[str], references: Sequence[str], language: str
) -> Score:
    """BLEU in the protocol of the Multi30k literature: `multi-bleu.perl` on lowercased tokens.

    Both sides go through `lowercase_and_tokenise`; then 4-gram BLEU of what stands between the
    spaces. `multi-bleu.perl` does not smooth: the score is 0 as soon as no n-gram of some order
    matches, which is sacreBLEU's `smooth:none`.

    Args:
      hypotheses: [sentences] translations.
      references: [sentences] human translations.
      language: code of the target language.
    """
    # Lowercased already, which cannot change it again: this is for the signature.
    bleu = BLEU(lowercase=True, tokenize="none", smooth_method="none", force=True)
    tokenised = [
        [lowercase_and_tokenise(text, language) for text in side]
        for side in (hypotheses, references)
    ]
    value = bleu.corpus_score(tokenised[0], [tokenised[1]]).score
    moses = f"moses:{language}|sacremoses:{version('sacremoses')}"
    return Score(value, f"{bleu.get_signature()}|{moses}")


def lowercase_and_tokenise(text: str, language: str) -> str:
    """Lowercases, normalises punctuation and tokenises, as the tokenised Multi30k was made.

    The order is that of the script `task1-tokenize.sh` beside the data: `lowercase.perl`,
    `normalize-punctuation.perl`, `tokenizer.perl`, the last with its escapes (`&quot;`).

    Args:
      text: as a reader sees it.
      language: its code.

    Returns:
      Tokens with single spaces between them.
    """
    normaliser, tokeniser = _moses(language)
    return str(tokeniser.tokenize(normaliser.normalize(text.lower()), return_str=True))


@functools.cache
def _moses(language: str) -> tuple[MosesPunctNormalizer, MosesTokenizer]:
    # Exactly what the Perl script does, its oddities with quotes included.
    return MosesPunctNormalizer(language, perl_parity=True), MosesTokenizer(language)


def bleu_by_length(
    sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]
) -> dict[str, BucketScore]:
    """Cased BLEU by the number of source words, in the buckets of the gate.

    Args:
      sources: [sentences].
      hypotheses: [sentences] translations.
      references: [sentences] human translations.

    Returns:
      Every bucket, shortest first.
    """
    buckets = [length_bucket(len(source.split())) for source in sources]
    scores = {}
    for name in LENGTH_BUCKETS:
        rows = [row for row, bucket in enumerate(buckets) if bucket == name]
        chosen = [[side[row] for row in rows] for side in (hypotheses, references)]
        scores[name] = BucketScore(corpus_score("bleu", *chosen) if rows else math.nan, len(rows))
    return scores


def p_value_of_gain(
    hypotheses: Sequence[str], baseline: Sequence[str], references: Sequence[str], seed: int
) -> float:
    """Is the gain in cased BLEU over a baseline more than chance? Paired bootstrap (Koehn, 2004).

    Args:
      hypotheses: [sentences] translations of the system that should be better.
      baseline: [sentences] translations of the other.
      references: [sentences] human translations.
      seed: of the resampling.

    Returns:
      The share of `BOOTSTRAP_RESAMPLES` test sets, drawn with replacement, on which the system is
      not better; never 0.
    """
    statistics = resampled_statistics("bleu")
    system_rows, baseline_rows = (
        np.array([statistics.row(*pair) for pair in zip(side, references, strict=True)])
        for side in (hypotheses, baseline)
    )
    # The comparison asks whether its first model is worse.
    return paired_bootstrap(
        baseline_rows, system_rows, statistics.scores, BOOTSTRAP_RESAMPLES, seed
    ).p_value
