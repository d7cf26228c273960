import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from components.gate.family_of_tests import compare_family
from components.gate.settings import GateSettings
from components.gate.verdict import OVERALL
from pipeline.evaluation.evaluation_set import set_of_texts
from pipeline.evaluation.scores import METRICS, Evaluation, SliceScore, evaluate
from tests.pipeline.evaluation.texts import BETTER, MORE_REFERENCES, REFERENCES, SOURCES, WORSE
from trainer.translation_statistics import corpus_score, resampled_statistics

DIGITS = 12
SETTINGS = GateSettings(bootstrap_resamples=200, min_slice_sentences=3)
TEXTS = set_of_texts(SOURCES, [REFERENCES])


def found(evaluation: Evaluation, metric: str, where: str = OVERALL) -> SliceScore:
    [score] = [each for each in evaluation.scores if (each.slice, each.metric) == (where, metric)]
    return score


def command_line_scores(
    folder: Path, hypotheses: list[str], references: list[list[str]], *options: str
) -> list[tuple[str, float]]:
    """Runs sacreBLEU's own command; returns the signature and the score of each metric."""
    names = []
    for number, lines in enumerate([hypotheses, *references]):
        names.append(str(folder / f"text{number}"))
        Path(names[-1]).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", *names[1:], "-i", names[0], "-f", "json"]
    done = subprocess.run(
        [*command, "-w", str(DIGITS), *options], check=True, capture_output=True, cwd=folder
    )
    answer = json.loads(done.stdout)
    answer = answer if isinstance(answer, list) else [answer]
    return [(each["signature"], each["score"]) for each in answer]


@pytest.mark.parametrize("references", [[REFERENCES], [REFERENCES, MORE_REFERENCES]])
@pytest.mark.parametrize("hypotheses", [BETTER, WORSE, [""] * len(SOURCES)])
def test_scores_and_signatures_are_those_of_sacrebleus_command_line(
    tmp_path: Path, hypotheses: list[str], references: list[list[str]]
) -> None:
    evaluation = evaluate(set_of_texts(SOURCES, references), hypotheses, None, SETTINGS)
    ours = [
        (evaluation.signatures[metric], round(found(evaluation, metric).system, DIGITS))
        for metric in METRICS
    ]
    bleu, chrf, ter = command_line_scores(
        tmp_path, hypotheses, references, "-m", "bleu", "chrf", "ter"
    )
    options = ("-m", "chrf", "--chrf-word-order", "2")
    [chrf_plus] = command_line_scores(tmp_path, hypotheses, references, *options)
    assert ours == [bleu, chrf, chrf_plus, ter]


def test_the_tokeniser_of_a_language_is_that_of_sacrebleus_command_line(tmp_path: Path) -> None:
    references = ["小猫在河边看见红色的马。", "老人喜欢安静的孩子。"]
    hypotheses = ["小猫在河边看见马。", "老人喜欢孩子。"]
    settings = GateSettings(tokeniser="zh")
    evaluation = evaluate(set_of_texts(None, [references]), hypotheses, None, settings)
    score = evaluation.signatures["bleu"], round(found(evaluation, "bleu").system, DIGITS)
    options = ("-m", "bleu", "--tokenize", "zh")
    assert [score] == command_line_scores(tmp_path, hypotheses, [references], *options)


def test_a_slice_has_the_score_of_its_sentences_alone() -> None:
    evaluation = evaluate(TEXTS, BETTER, None, SETTINGS)
    short = [place for place, names in enumerate(TEXTS.slices) if names == TEXTS.slices[0]]
    for metric in METRICS:
        score = found(evaluation, metric, "length_bucket=01-10")
        pairs = [(BETTER[place], REFERENCES[place]) for place in short]
        assert score.sentences == len(short)
        assert score.system == corpus_score(metric, *zip(*pairs, strict=True))


def test_slices_follow_all_sentences_in_order_of_their_names() -> None:
    evaluation = evaluate(TEXTS, BETTER, None, SETTINGS)
    names = dict.fromkeys(score.slice for score in evaluation.scores)
    buckets = [f"length_bucket={bucket}" for bucket in ("01-10", "11-20", "21-30")]
    assert list(names) == [OVERALL, *buckets]


def test_two_systems_are_compared_as_in_the_gate() -> None:
    evaluation = evaluate(TEXTS, WORSE, BETTER, SETTINGS)
    statistics = resampled_statistics("bleu")
    system, against = (
        np.array([statistics.row(*pair) for pair in zip(side, REFERENCES, strict=True)])
        for side in (WORSE, BETTER)
    )
    family = compare_family(
        system,
        against,
        TEXTS.slices,
        statistics.scores,
        resamples=200,
        seed=1,
        minimum_sentences=3,
    )
    assert found(evaluation, "bleu").comparison == family.whole
    short = "length_bucket=01-10"
    assert found(evaluation, "bleu", short).comparison == family.slices[short]
    assert evaluation.adjusted_p_value == family.smallest_adjusted_p_value


@pytest.mark.parametrize("metric", METRICS)
def test_less_is_better_for_ter_alone(metric: str) -> None:
    worse = found(evaluate(TEXTS, WORSE, BETTER, SETTINGS), metric)
    better = found(evaluate(TEXTS, BETTER, WORSE, SETTINGS), metric)
    assert (worse.outcome, better.outcome) == ("worse", "improved")
    assert worse.difference is not None
    assert worse.comparison is not None
    assert worse.difference == pytest.approx(worse.comparison.difference)
    assert worse.comparison.low <= worse.difference <= worse.comparison.high
    assert (worse.difference > 0) == (metric == "ter")
    assert worse.p_value == worse.comparison.p_value == better.p_value


def test_a_slice_that_is_too_small_is_scored_but_not_tested() -> None:
    score = found(evaluate(TEXTS, WORSE, BETTER, SETTINGS), "bleu", "length_bucket=21-30")
    assert score.sentences == 1
    assert score.difference is not None
    assert (score.comparison, score.outcome, score.p_value) == (None, None, None)


def test_equal_systems_are_not_distinguishable() -> None:
    for score in evaluate(TEXTS, BETTER, BETTER, SETTINGS).scores:
        assert score.difference == 0
        assert score.outcome in ("not distinguishable", None)
        assert score.p_value in (1, None)


def test_the_judge_is_that_of_the_gate() -> None:
    assert evaluate(TEXTS, BETTER, None, SETTINGS).judge.metric == "bleu"
    short = set_of_texts(None, [["Datei öffnen", "Alles speichern"]])
    assert evaluate(short, ["Datei öffnen", "Speichern"], None, SETTINGS).judge.metric == "chrf"
