"""Corpus scores from summed statistics equal sacreBLEU's scores, to the last digit."""

from collections.abc import Callable

import numpy as np
import pytest
import sacrebleu
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU, CHRF, TER

from components.gate.translation_statistics import (
    bleu_signature,
    chrf_signature,
    corpus_score,
    resampled_statistics,
    sentence_statistics,
    ter_signature,
)

Corpus = tuple[list[str], list[str]]

# hypotheses, references
CORPORA: dict[str, Corpus] = {
    "captions": (
        ["A small dog runs across the grass.", "Two men are talking!", "A woman in a red coat"],
        ["A little dog runs over the grass.", "Two men talk.", "A woman in a red coat sits there."],
    ),
    "unicode": (
        ["Größe über alles – „so“ sagt man…", "東京 は 大きい 。", "naïve café 👩‍👩‍👧 ok"],
        ["Größe über alles, so sagt man.", "東京は大きい。", "naïve café 👩‍👩‍👧 okay"],
    ),
    "entities and numbers": (
        ["Costs &quot;1,000.50&quot; dollars -- no, 2.3%", "a &lt;b&gt; c .", "e.g. 5-6 items"],
        ['Costs "1,000.50" dollars, no: 2.3 %', "a <b> c.", "e.g. 5 - 6 items"],
    ),
    "some empty": (["", "two words", "", "the same"], ["gone", "", "", "the same"]),
    "all empty": (["", ""], ["something here", "and here"]),
    "nothing in common": (["a b c d e", "f g h i j"], ["k l m n o", "p q r s t"]),
    "one short word": (["yes"], ["yes"]),
    "perfect": (["one two three four five"] * 3, ["one two three four five"] * 3),
    "spaces": (["  leading and trailing  ", "tab\there"], ["leading and trailing", "tab here"]),
}


def summed(kind: str, corpus: Corpus, shards: int) -> NDArray[np.int64]:
    statistics = sentence_statistics(kind)
    totals = []
    for shard in range(shards):
        rows = [statistics.row(*pair) for pair in list(zip(*corpus, strict=True))[shard::shards]]
        empty = np.zeros((0, statistics.width), np.int64)
        totals.append((np.array(rows, np.int64) if rows else empty).sum(axis=0))
    return np.sum(totals, axis=0)


SACREBLEU: dict[str, Callable[[Corpus], float]] = {
    "bleu": lambda corpus: sacrebleu.corpus_bleu(corpus[0], [corpus[1]]).score,
    "chrf": lambda corpus: sacrebleu.corpus_chrf(corpus[0], [corpus[1]]).score,
    "ter": lambda corpus: sacrebleu.corpus_ter(corpus[0], [corpus[1]]).score,
    "length_ratio": lambda corpus: sacrebleu.corpus_bleu(corpus[0], [corpus[1]]).ratio,
}


@pytest.mark.parametrize("shards", [1, 2, 7])
@pytest.mark.parametrize("name", CORPORA)
@pytest.mark.parametrize("kind", SACREBLEU)
def test_a_score_is_that_of_sacrebleu_on_any_sharding(kind: str, name: str, shards: int) -> None:
    total = summed(kind, CORPORA[name], shards)
    assert sentence_statistics(kind).score(total) == SACREBLEU[kind](CORPORA[name])


def test_scores_are_those_that_sacrebleus_command_line_prints() -> None:
    # echo "The dog bit the man." | sacrebleu reference.txt -m bleu chrf ter -w 10
    # (sacreBLEU 2.6.0)
    pair = ["The dog bit the man."], ["The dog bit the guy."]
    scores = [round(corpus_score(kind, *pair), 10) for kind in ("bleu", "chrf", "ter")]
    assert scores == [53.7284965912, 70.9242840493, 20.0]


def test_bleu_counts_capitals() -> None:
    assert corpus_score("bleu", ["THE SAME FOUR WORDS"], ["the same four words"]) == 0


@pytest.mark.parametrize("name", CORPORA)
def test_scores_of_many_sums_agree_with_the_score_of_each(name: str) -> None:
    statistics = resampled_statistics("bleu")
    generator = np.random.default_rng(3)
    rows = np.array([statistics.row(*pair) for pair in zip(*CORPORA[name], strict=True)])
    weights = generator.integers(0, 4, size=(50, len(rows)))
    weights[0] = 0
    totals = weights @ rows
    each = [statistics.score(total) for total in totals]
    assert statistics.scores(totals.astype(np.float64)) == pytest.approx(each, rel=1e-12)


def test_the_signatures_are_sacrebleus_own_with_its_version() -> None:
    metrics = (BLEU(), CHRF(), TER())
    for metric in metrics:
        metric.corpus_score(["a"], [["b"]])
    assert (bleu_signature(), chrf_signature(), ter_signature()) == tuple(
        str(metric.get_signature()) for metric in metrics
    )
    assert f"version:{sacrebleu.__version__}" in bleu_signature()


def test_an_unknown_score_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match="'meteor'; there are bleu, chrf, ter, length_ratio"):
        sentence_statistics("meteor")


def test_a_score_that_cannot_be_resampled_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be resampled"):
        resampled_statistics("chrf")
