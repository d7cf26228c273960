"""Scores of translations: the two BLEU protocols of this field, and statistics made from them.

A BLEU score without its protocol means little: for the same translations the two protocols differ
by points. Every score carries sacreBLEU's signature (Post, "A Call for Clarity in Reporting BLEU
Scores", WMT 2018).
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
from components.parallel_text import LENGTH_BUCKETS, length_bucket
from text.words import split_text
from trainer.scoring import Tokeniser
from trainer.translation_statistics import corpus_score, resampled_statistics, signature

BOOTSTRAP_RESAMPLES = 1000


@dataclass(frozen=True)
class Score:
    """A corpus score."""

    value: float
    """0 to 100."""
    signature: str
    """sacreBLEU's description of the protocol."""


@dataclass(frozen=True)
class BucketScore:
    """Cased BLEU of the sentences in one length bucket."""

    bleu: float
    """NaN if the bucket has no sentence."""
    sentences: int


def cased_bleu(
    hypotheses: Sequence[str], references: Sequence[str], tokeniser: Tokeniser = "13a"
) -> Score:
    """Computes cased BLEU of detokenised text, as the gate does.

    Args:
      hypotheses: [sentences] translations.
      references: [sentences] human translations.
      tokeniser: sacreBLEU's tokeniser for the target language.
    """
    return Score(
        corpus_score("bleu", hypotheses, references, tokeniser), signature("bleu", tokeniser)
    )


def chrf(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Computes chrF2 of detokenised text.

    Args:
      hypotheses: [sentences] translations.
      references: [sentences] human translations.
    """
    return Score(corpus_score("chrf", hypotheses, references), signature("chrf"))


def lowercased_tokenised_bleu(
    hypotheses: Sequence[str], references: Sequence[str], language: str
) -> Score:
    """Computes BLEU as in the Multi30k literature: `multi-bleu.perl` on lowercased tokens.

    Both sides go through `lowercase_and_tokenise`; the score is 4-gram BLEU of the tokens between
    spaces. `multi-bleu.perl` does not smooth, as sacreBLEU with `smooth:none`: the score is 0 as
    soon as no n-gram of some order matches.

    Args:
      hypotheses: [sentences] translations.
      references: [sentences] human translations.
      language: code of the target language.
    """
    # The text is already in lower case; `lowercase` only adds this to the signature.
    bleu = BLEU(lowercase=True, tokenize="none", smooth_method="none", force=True)
    tokenised = [
        [lowercase_and_tokenise(text, language) for text in side]
        for side in (hypotheses, references)
    ]
    value = bleu.corpus_score(tokenised[0], [tokenised[1]]).score
    moses = f"moses:{language}|sacremoses:{version('sacremoses')}"
    return Score(value, f"{bleu.get_signature()}|{moses}")


def lowercase_and_tokenise(text: str, language: str) -> str:
    """Lowercases, normalises punctuation and tokenises, as for the tokenised Multi30k.

    The order is as in the script `task1-tokenize.sh`, published with the data: `lowercase.perl`,
    `normalize-punctuation.perl`, `tokenizer.perl`, the last with its escapes (`&quot;`).

    Args:
      text: detokenised text.
      language: its code.

    Returns:
      Tokens with single spaces between them.
    """
    normaliser, tokeniser = _moses(language)
    return str(tokeniser.tokenize(normaliser.normalize(text.lower()), return_str=True))


@functools.cache
def _moses(language: str) -> tuple[MosesPunctNormalizer, MosesTokenizer]:
    # Exactly as in the Perl script, its oddities with quotes included.
    return MosesPunctNormalizer(language, perl_parity=True), MosesTokenizer(language)


def bleu_by_length(
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[str],
    tokeniser: Tokeniser = "13a",
) -> dict[str, BucketScore]:
    """Computes cased BLEU by the number of source words, in the buckets of the gate.

    Args:
      sources: [sentences].
      hypotheses: [sentences] translations.
      references: [sentences] human translations.
      tokeniser: sacreBLEU's tokeniser for the target language.

    Returns:
      Every bucket, shortest first.
    """
    buckets = [length_bucket(len(split_text(source))) for source in sources]
    scores = {}
    for name in LENGTH_BUCKETS:
        rows = [row for row, bucket in enumerate(buckets) if bucket == name]
        ours, theirs = ([side[row] for row in rows] for side in (hypotheses, references))
        value = corpus_score("bleu", ours, theirs, tokeniser) if rows else math.nan
        scores[name] = BucketScore(value, len(rows))
    return scores


def p_value_of_gain(
    hypotheses: Sequence[str],
    baseline: Sequence[str],
    references: Sequence[str],
    seed: int,
    tokeniser: Tokeniser = "13a",
) -> float:
    """Tests a gain in cased BLEU over a baseline with the paired bootstrap (Koehn, 2004).

    Args:
      hypotheses: [sentences] translations of the system supposed to be better.
      baseline: [sentences] translations of the baseline.
      references: [sentences] human translations.
      seed: seed of the resampling.
      tokeniser: sacreBLEU's tokeniser for the target language.

    Returns:
      The share of `BOOTSTRAP_RESAMPLES` test sets, drawn with replacement, on which the system is
      not better; never 0.
    """
    statistics = resampled_statistics("bleu", tokeniser)
    system_rows, baseline_rows = (
        np.array([statistics.row(*pair) for pair in zip(side, references, strict=True)])
        for side in (hypotheses, baseline)
    )
    # `paired_bootstrap` tests if its first model is worse.
    return paired_bootstrap(
        baseline_rows, system_rows, statistics.scores, BOOTSTRAP_RESAMPLES, seed
    ).p_value
