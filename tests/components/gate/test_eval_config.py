"""The settings of the gate as TFMA's configuration; `test_gate_pipeline` tests it with TFMA."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from components.gate.eval_config import evaluation_config
from components.gate.evaluation_reader import UnreadableEvaluationError, read_verdict
from components.gate.settings import GateSettings
from trainer.scoring import Judge, Metric

SETTINGS = GateSettings(
    min_bleu=20, max_bleu_drop=0.7, significance=0.01, min_slice_sentences=50, seed=11
)


JUDGE = Judge("bleu", "")


def metric(name: str, settings: GateSettings = SETTINGS, judge: Metric = "bleu") -> Any:
    [spec] = evaluation_config(settings, judge).metrics_specs
    [found] = [metric for metric in spec.metrics if json.loads(metric.config)["name"] == name]
    return found


def bound(
    name: str, settings: GateSettings = SETTINGS, judge: Metric = "bleu"
) -> tuple[list[str], float]:
    """Returns the features of the slices with a bound for a metric, and the bound."""
    [per_slice] = metric(name, settings, judge).per_slice_thresholds
    [where] = per_slice.slicing_specs
    limits = per_slice.threshold.value_threshold
    side = limits.lower_bound if limits.HasField("lower_bound") else limits.upper_bound
    return list(where.feature_keys), side.value


@pytest.mark.parametrize(
    ("name", "limit"), [("bleu", 20), ("bleu_drop", 0.7), ("bleu_drop_adjusted_p_value", 0.01)]
)
def test_each_bound_is_over_all(name: str, limit: float) -> None:
    assert bound(name) == ([], limit)


@pytest.mark.parametrize(
    ("name", "limit"), [("chrf", 40), ("chrf_drop", 0.3), ("chrf_drop_adjusted_p_value", 0.01)]
)
def test_chrf_has_bounds_of_its_own_where_it_judges(name: str, limit: float) -> None:
    settings = SETTINGS.model_copy(update={"min_chrf": 40, "max_chrf_drop": 0.3})
    assert bound(name, settings, "chrf") == ([], limit)
    assert not metric("bleu", settings, "chrf").per_slice_thresholds


def test_without_a_floor_there_is_no_bound_for_it() -> None:
    assert not metric("chrf", judge="chrf").per_slice_thresholds


def test_the_tokeniser_of_the_settings_scores() -> None:
    chinese = SETTINGS.model_copy(update={"tokeniser": "zh"})
    for name in ("bleu", "length_ratio", "bleu_drop"):
        assert json.loads(metric(name, chinese).config)["tokeniser"] == "zh"


def test_an_improvement_is_demanded_only_of_who_asks_for_it() -> None:
    assert not metric("bleu_gain_p_value").per_slice_thresholds
    demanding = SETTINGS.model_copy(update={"require_improvement": True})
    assert bound("bleu_gain_p_value", demanding) == ([], 0.005)


def test_the_comparison_knows_which_slices_count() -> None:
    config = json.loads(metric("bleu_drop_adjusted_p_value").config)
    assert (config["minimum_sentences"], config["slice_features"]) == (50, ["length_bucket"])


def test_the_test_set_is_sliced_by_the_features_that_the_user_names() -> None:
    settings = SETTINGS.model_copy(update={"slice_features": ("domain", "length_bucket")})
    slices = [list(spec.feature_keys) for spec in evaluation_config(settings).slicing_specs]
    assert slices == [[], ["length_bucket"], ["domain"]]


def test_no_threshold_holds_in_every_slice() -> None:
    [spec] = evaluation_config(SETTINGS).metrics_specs
    assert not [metric for metric in spec.metrics if metric.HasField("threshold")]


def test_every_metric_of_ours_can_be_imported_by_its_dotted_path() -> None:
    [spec] = evaluation_config(SETTINGS).metrics_specs
    for config in spec.metrics:
        if config.module:
            metric_class = getattr(importlib.import_module(config.module), config.class_name)
            assert metric_class(**json.loads(config.config)).name


def test_a_folder_without_an_evaluation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableEvaluationError, match="holds no finished evaluation"):
        read_verdict(str(tmp_path), str(tmp_path), SETTINGS, JUDGE)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    with pytest.raises(UnreadableEvaluationError, match="holds no finished evaluation"):
        read_verdict(nowhere, nowhere, SETTINGS, JUDGE)


@pytest.mark.parametrize(
    "wrong",
    [{"min_bleu": 101}, {"significance": 0}, {"bootstrap_resamples": 1}, {"minimum_bleu": 1}],
)
def test_a_setting_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        GateSettings(**{"min_bleu": 1, **wrong})
