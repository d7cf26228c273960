"""What Beam does with a combiner, without Beam."""

import pickle
from collections.abc import Sequence
from typing import Any


def combine(combiner: Any, examples: Sequence[Any], shards: int) -> dict[Any, Any]:
    """Combines every shard on its own copy of the combiner, and merges them in the other order."""
    accumulators = []
    for shard in range(shards):
        worker = pickle.loads(pickle.dumps(combiner))
        accumulator = worker.create_accumulator()
        for element in examples[shard::shards]:
            accumulator = worker.add_input(accumulator, element)
        accumulators.append(pickle.loads(pickle.dumps(worker.compact(accumulator))))
    return dict(combiner.extract_output(combiner.merge_accumulators(reversed(accumulators))))
