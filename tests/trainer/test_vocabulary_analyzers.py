"""The words of all batches are counted, whatever the workers."""

import numpy as np
import pytest

from tests.components.beam_sharding import combine
from trainer.vocabulary_analyzers import SumCounts


@pytest.mark.parametrize("shards", [1, 3])
def test_the_counts_of_batches_are_summed_over_all_workers(shards):
    batches = [
        (np.array(words, object), np.array(counts, np.int32))
        for words, counts in [([b"a", b"b"], [2, 1]), ([b"b"], [4]), ([], []), ([b"a"], [1])]
    ]
    assert combine(SumCounts(), batches, shards) == {b"a": 3, b"b": 5}
