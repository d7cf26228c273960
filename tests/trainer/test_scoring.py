import pytest

from trainer.scoring import Scoring, best_epoch, choose_judge, tokeniser_of


@pytest.mark.parametrize(
    ("language", "tokeniser"),
    [
        ("de", "13a"),
        ("pt_BR", "13a"),
        ("zh", "zh"),
        ("zh_CN", "zh"),
        ("zh-Hant-TW", "zh"),
        ("yue", "zh"),
        ("zh-Latn", "13a"),
        ("ja", "ja-mecab"),
        ("ja-JP", "ja-mecab"),
        ("kor", "ko-mecab"),
        ("th", "char"),
        ("lo", "char"),
        ("km_KH", "char"),
        ("my", "char"),
        ("bo", "char"),
    ],
)
def test_the_tokeniser_is_that_of_the_base_language(language: str, tokeniser: str) -> None:
    assert tokeniser_of(language) == tokeniser


def test_bleu_judges_where_references_are_long_enough() -> None:
    judge = choose_judge(Scoring(), tokens=50, sentences=10)
    assert judge == (
        "bleu",
        "the references have 5.0 tokens (13a) on the average, enough for BLEU.",
    )


def test_chrf_judges_where_references_are_too_short_and_the_rule_is_said() -> None:
    judge = choose_judge(Scoring(tokeniser="zh"), tokens=49, sentences=10)
    assert judge.metric == "chrf"
    assert judge.rule.startswith("the references have 4.9 tokens (zh) on the average, fewer than 5")


def test_chrf_judges_where_the_configuration_says_so() -> None:
    judge = choose_judge(Scoring("chrf"), tokens=500, sentences=10)
    assert judge == ("chrf", "evaluation.metric says chrF.")


def entry(epoch: int, bleu: float, chrf: float, metric: str = "bleu") -> dict[str, object]:
    scores = {"validation_bleu": bleu, "validation_chrf": chrf}
    return {"epoch": epoch, "validation_metric": metric, **scores}


def test_the_first_of_equally_good_epochs_is_the_best() -> None:
    assert best_epoch([entry(1, 9.0, 20), entry(2, 9.5, 20), entry(3, 9.5, 30)])["epoch"] == 2


def test_while_bleu_is_0_chrf_tells_the_best_epoch() -> None:
    untrained = [entry(1, 0.0, 3), entry(2, 0.0, 8), entry(3, 0.0, 5)]
    assert best_epoch(untrained)["epoch"] == 2
    assert best_epoch([*untrained, entry(4, 0.1, 4)])["epoch"] == 4


def test_where_chrf_judges_bleu_does_not_count() -> None:
    assert best_epoch([entry(1, 9.0, 20, "chrf"), entry(2, 0.0, 30, "chrf")])["epoch"] == 2


def test_a_history_without_chrf_is_ranked_by_bleu() -> None:
    old = [{"epoch": 1, "validation_bleu": 0.0}, {"epoch": 2, "validation_bleu": 7.0}]
    assert best_epoch(old)["epoch"] == 2
