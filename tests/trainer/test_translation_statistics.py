"""Corpus scores from summed statistics equal sacreBLEU's scores, to the last digit."""

import sys
from collections.abc import Callable

import numpy as np
import pytest
import sacrebleu
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU, CHRF, TER

from trainer.scoring import Scoring, Tokeniser
from trainer.translation_statistics import (
    MissingTokeniserError,
    corpus_score,
    judge_of,
    resampled_statistics,
    sentence_statistics,
    signature,
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


KINDS = ("bleu", "chrf", "chrf++", "ter")
SACREBLEU: dict[str, Callable[[Corpus], float]] = {
    "bleu": lambda corpus: sacrebleu.corpus_bleu(corpus[0], [corpus[1]]).score,
    "chrf": lambda corpus: sacrebleu.corpus_chrf(corpus[0], [corpus[1]]).score,
    "chrf++": lambda corpus: sacrebleu.corpus_chrf(corpus[0], [corpus[1]], word_order=2).score,
    "ter": lambda corpus: sacrebleu.corpus_ter(corpus[0], [corpus[1]]).score,
    "length_ratio": lambda corpus: sacrebleu.corpus_bleu(corpus[0], [corpus[1]]).ratio,
}


@pytest.mark.parametrize("shards", [1, 2, 7])
@pytest.mark.parametrize("name", CORPORA)
@pytest.mark.parametrize("kind", SACREBLEU)
def test_a_score_is_that_of_sacrebleu_on_any_sharding(kind: str, name: str, shards: int) -> None:
    total = summed(kind, CORPORA[name], shards)
    assert sentence_statistics(kind).score(total) == SACREBLEU[kind](CORPORA[name])


SEVERAL = {
    # hypothesis, its references
    "The cat sat on the mat.": ("A cat was sitting on the mat.", "On the mat sat a cat.", "Cat!"),
    "Ein Hund läuft.": ("Ein kleiner Hund rennt über das Gras.", "Ein Hund läuft da.", "Hunde"),
    "": ("Nichts", "", "Gar nichts"),
    "The same text here": ("The same text here", "Another text", "the same text there, too"),
}


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_a_score_with_several_references_is_that_of_sacrebleu(kind: str, count: int) -> None:
    statistics = sentence_statistics(kind)
    rows = [statistics.row(text, *found[:count]) for text, found in SEVERAL.items()]
    score = statistics.score(np.array(rows, np.int64).sum(axis=0))
    metric = {"bleu": BLEU(), "chrf": CHRF(), "chrf++": CHRF(word_order=2), "ter": TER()}[kind]
    streams = [[found[place] for found in SEVERAL.values()] for place in range(count)]
    assert score == pytest.approx(metric.corpus_score(list(SEVERAL), streams).score, rel=1e-15)


def test_scores_are_those_that_sacrebleus_command_line_prints() -> None:
    # echo "The dog bit the man." | sacrebleu reference.txt -m bleu chrf ter -w 10
    # (sacreBLEU 2.6.0)
    pair = ["The dog bit the man."], ["The dog bit the guy."]
    scores = [round(corpus_score(kind, *pair), 10) for kind in ("bleu", "chrf", "ter")]
    assert scores == [53.7284965912, 70.9242840493, 20.0]


def test_bleu_counts_capitals() -> None:
    assert corpus_score("bleu", ["THE SAME FOUR WORDS"], ["the same four words"]) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CORPORA)
def test_scores_of_many_sums_agree_with_the_score_of_each(name: str, kind: str) -> None:
    statistics = resampled_statistics(kind)
    generator = np.random.default_rng(3)
    rows = np.array([statistics.row(*pair) for pair in zip(*CORPORA[name], strict=True)])
    weights = generator.integers(0, 4, size=(50, len(rows)))
    weights[0] = 0
    totals = weights @ rows
    each = [statistics.score(total) for total in totals]
    assert statistics.scores(totals.astype(np.float64)) == pytest.approx(each, rel=1e-12)


def test_the_signatures_are_sacrebleus_own_with_its_version() -> None:
    metrics = (BLEU(), CHRF(), CHRF(word_order=2), TER())
    for references in (1, 3):
        for metric in metrics:
            metric.corpus_score(["a"], [["b"]] * references)
        found = [signature(kind, references=references) for kind in KINDS]
        assert found == [str(metric.get_signature()) for metric in metrics]
    assert f"version:{sacrebleu.__version__}" in signature("bleu")


def test_an_unknown_score_is_refused_with_those_that_exist() -> None:
    with pytest.raises(
        ValueError, match="'meteor'; there are bleu, chrf, chrf\\+\\+, ter, length_ratio"
    ):
        sentence_statistics("meteor")


IDENTICAL = {
    "zh": ["小猫在河边看见红色的马。", "老人喜欢安静的孩子。"],
    "ja-mecab": ["小さな猫が川のそばで赤い馬を見た。", "老人は静かな子供が好きです。"],
    "ko-mecab": ["작은 고양이가 강가에서 빨간 말을 보았다.", "노인은 조용한 아이를 좋아한다."],
    "char": ["แมวตัวเล็กเห็นม้าสีแดงริมแม่น้ำ", "ឆ្មាតូចឃើញសេះក្រហម"],
}


@pytest.mark.parametrize("tokeniser", IDENTICAL)
def test_identical_text_without_spaces_scores_100_by_its_own_tokeniser(
    tokeniser: Tokeniser,
) -> None:
    texts = IDENTICAL[tokeniser]
    assert corpus_score("bleu", texts, texts, tokeniser) == pytest.approx(100)
    assert f"|tok:{tokeniser}" in signature("bleu", tokeniser)
    shuffled = ["".join(reversed(text)) for text in texts]
    assert corpus_score("bleu", shuffled, texts, tokeniser) < 40


@pytest.mark.parametrize("tokeniser", IDENTICAL)
def test_a_score_by_another_tokeniser_is_sacrebleus(tokeniser: Tokeniser) -> None:
    references = IDENTICAL[tokeniser]
    hypotheses = [references[0][:-4], references[1]]
    expected = sacrebleu.corpus_bleu(hypotheses, [references], tokenize=tokeniser)
    assert corpus_score("bleu", hypotheses, references, tokeniser) == expected.score
    assert corpus_score("length_ratio", hypotheses, references, tokeniser) == expected.ratio


@pytest.mark.parametrize("tokeniser", ["zh", "ja-mecab"])
def test_the_edit_rate_of_chinese_and_japanese_is_of_characters(tokeniser: Tokeniser) -> None:
    references = IDENTICAL[tokeniser]
    hypotheses = [references[0][1:], references[1]]
    assert 0 < corpus_score("ter", hypotheses, references, tokeniser) < 10
    assert corpus_score("ter", hypotheses, references) == 50
    assert "|asian:yes|" in signature("ter", tokeniser)


def test_a_tokeniser_that_cannot_be_loaded_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(
        MissingTokeniserError, match="flores200 cannot be loaded: it needs the pack"
    ):
        corpus_score("bleu", ["a"], ["a"], "flores200")


def test_the_length_of_references_is_counted_in_tokens_of_the_language() -> None:
    assert judge_of(Scoring(tokeniser="zh"), IDENTICAL["zh"]).metric == "bleu"
    assert judge_of(Scoring(), IDENTICAL["zh"]).metric == "chrf"
    assert judge_of(Scoring(), ["Datei öffnen", "Alles speichern"]).metric == "chrf"
    assert judge_of(Scoring(), []).metric == "chrf"
