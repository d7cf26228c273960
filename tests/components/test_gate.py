"""The settings of the gate as TFMA's configuration. What TFMA makes of it: `test_gate_pipeline`."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from components.gate import UnreadableEvaluationError, evaluation_config, read_verdict
from components.gate_settings import GateSettings

SETTINGS = GateSettings(
    min_bleu=20, max_bleu_drop=0.7, significance=0.01, min_slice_sentences=50, seed=11
)


def metric(name: str) -> Any:
    [spec] = evaluation_config(SETTINGS).metrics_specs
    [found] = [metric for metric in spec.metrics if json.loads(metric.config)["name"] == name]
    return found


def bound(name: str) -> tuple[list[str], float]:
    """Where a metric is bounded, and by what."""
    [per_slice] = metric(name).per_slice_thresholds
    [where] = per_slice.slicing_specs
    limits = per_slice.threshold.value_threshold
    side = limits.lower_bound if limits.HasField("lower_bound") else limits.upper_bound
    return list(where.feature_keys), side.value


@pytest.mark.parametrize(
    ("name", "where", "limit"),
    [
        ("bleu", [], 20),
        ("bleu_drop", [], 0.7),
        ("bleu_drop_p_value", [], 0.01),
        ("guarded_bleu_drop", ["length_bucket"], 0.7),
        ("guarded_bleu_drop_p_value", ["length_bucket"], 0.01),
    ],
)
def test_each_bound_is_where_the_contract_puts_it(
    name: str, where: list[str], limit: float
) -> None:
    assert bound(name) == (where, limit)


def test_only_the_bounds_of_slices_are_guarded_by_size() -> None:
    sizes = {
        name: json.loads(metric(name).config).get("minimum_sentences")
        for name in ("bleu_drop", "guarded_bleu_drop", "guarded_bleu_drop_p_value")
    }
    assert sizes == {
        "bleu_drop": None,
        "guarded_bleu_drop": 50,
        "guarded_bleu_drop_p_value": 50,
    }


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
        read_verdict(str(tmp_path), str(tmp_path), SETTINGS)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    with pytest.raises(UnreadableEvaluationError, match="holds no finished evaluation"):
        read_verdict(nowhere, nowhere, SETTINGS)


@pytest.mark.parametrize(
    "wrong",
    [{"min_bleu": 101}, {"significance": 0}, {"bootstrap_resamples": 1}, {"minimum_bleu": 1}],
)
def test_a_setting_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        GateSettings(**{"min_bleu": 1, **wrong})
