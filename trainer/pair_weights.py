"""Weights of the training pairs: how often each is trained on in an epoch.

So many short entries, as those of a dictionary, do not dominate, and few good pairs count for more.
A weight is that of a feature's value, written as the gate names its slices: `domain=dictionary`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # the command line needs only the names of features, and starts at once
    import pyarrow as pa

Weights = Mapping[str, float]
"""By `FEATURE=VALUE`. A pair has the product of its own ones; without any, 1."""


def weighted_features(weights: Weights) -> list[str]:
    """Returns the names of the features, sorted."""
    return sorted({name.partition("=")[0] for name in weights})


def weights_of(batch: "pa.RecordBatch", weights: Weights) -> tuple[np.ndarray, set[str]]:
    """Looks up the weights of examples.

    Args:
      batch: examples with the features as lists of strings, one value or none in each.
      weights: the weights of their values.

    Returns:
      The weight of each example, float64 [rows]; and those of `weights` that an example has.
    """
    found, used = np.ones(batch.num_rows), set()
    for feature in weighted_features(weights):
        column = batch.column(batch.schema.get_field_index(feature))
        has_value = np.asarray(column.value_lengths().fill_null(0)) > 0
        names = [f"{feature}={value.decode('utf-8')}" for value in column.flatten().to_pylist()]
        found[has_value] *= [weights.get(name, 1.0) for name in names]
        used |= weights.keys() & {*names}
    return found, used


def drawn(indices: np.ndarray, weights: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Returns the pairs of one epoch.

    A pair of weight 2.25 is there twice, and a quarter of the pairs with its weight once more. So
    each epoch has the same number of pairs.

    Args:
      indices: the pairs to draw from, int64.
      weights: the weight of each of all pairs.
      seed: seed of the draw.
      epoch: number of the epoch.
    """
    rng = np.random.default_rng([seed, epoch, len(indices)])
    chosen = []
    for weight in np.unique(weights[indices]):
        of_weight = indices[weights[indices] == weight]
        whole = int(weight)
        chosen.append(np.repeat(of_weight, whole))
        more = round((weight - whole) * len(of_weight))
        chosen.append(rng.choice(of_weight, more, replace=False))
    return np.concatenate(chosen)
