"""Runs a combiner like Beam, without Beam."""

import pickle
from collections.abc import Sequence
from typing import Any


def combine(combiner: Any, examples: Sequence[Any], shards: int) -> dict[Any, Any]:
    """Combines every shard with a separate copy of the combiner, and merges in reverse order."""
    accumulators = []
    for shard in range(shards):
        worker = pickle.loads(pickle.dumps(combiner))
        accumulator = worker.create_accumulator()
        for element in examples[shard::shards]:
            accumulator = worker.add_input(accumulator, element)
        accumulators.append(pickle.loads(pickle.dumps(worker.compact(accumulator))))
    return dict(combiner.extract_output(combiner.merge_accumulators(reversed(accumulators))))
