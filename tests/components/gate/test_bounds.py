"""Replacement of bounds in a finished configuration of the Evaluator."""

import pytest
from google.protobuf import json_format
from tensorflow_model_analysis.proto import config_pb2

from components.gate.eval_config import evaluation_config, with_bounds
from components.gate.settings import GateSettings


def settings(**changes):
    given = {
        "min_bleu": 15.0,
        "max_bleu_drop": 1.0,
        "significance": 0.05,
        "bootstrap_resamples": 1000,
        "min_slice_sentences": 100,
        "seed": 1,
    }
    return GateSettings(**{**given, **changes})


def as_json(config):
    return json_format.MessageToJson(config, preserving_proto_field_name=True)


@pytest.mark.parametrize(
    "changes",
    [{}, {"min_bleu": 20.5}, {"max_bleu_drop": 0.25}, {"min_bleu": 0.0, "max_bleu_drop": 0.0}],
)
def test_new_bounds_are_as_if_they_had_been_configured(changes):
    changed = with_bounds(as_json(evaluation_config(settings())), **changes)
    parsed = json_format.Parse(changed, config_pb2.EvalConfig())
    assert parsed == evaluation_config(settings(**changes))
