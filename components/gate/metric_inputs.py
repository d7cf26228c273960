"""Reads TFMA's input of a combiner for one example: its texts and its slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.proto import config_pb2

from components.gate.verdict import slice_key


@dataclass(frozen=True)
class Texts:
    """Finds a model's hypothesis and the reference in TFMA's input of a combiner."""

    eval_config: config_pb2.EvalConfig
    model_name: str
    output_name: str

    def __call__(self, inputs: metric_types.StandardMetricInputs) -> tuple[str, str]:
        label, prediction, _ = next(
            metric_util.to_label_prediction_example_weight(
                inputs,
                eval_config=self.eval_config,
                model_name=self.model_name,
                output_name=self.output_name,
                flatten=False,
                squeeze=False,
            )
        )
        return one_text(prediction, "translation"), one_text(label, "reference")


def one_text(values: NDArray[np.object_], name: str) -> str:
    """Returns the single string in an array of any rank; invalid UTF-8 becomes U+FFFD."""
    if values.size != 1:
        raise ValueError(
            f"An example needs exactly one {name}, got {values.size}: does the model's signature "
            "return one translation per example?"
        )
    value = values.reshape(-1)[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def slices_of(
    element: metric_types.StandardMetricInputs, features: Sequence[str]
) -> tuple[str, ...]:
    """Returns the slices of an example, as TFMA derives them from these features."""
    values = element.features if features else {}
    return tuple(
        slice_key(feature, value)
        for feature in features
        for value in np.ravel(values[feature] if values.get(feature) is not None else [])
    )
