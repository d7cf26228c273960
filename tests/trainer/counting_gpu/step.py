"""Prints the GPU calls of a training step of the default model, as JSON by sentence length.

Run `python step.py 20 30` with the counting GPU on LD_LIBRARY_PATH.
"""

import ctypes
import json
import sys

import numpy as np

from trainer import gpu
from trainer.batching import Part
from trainer.settings import ModelSettings, TrainingSettings
from trainer.train_step import make_train_step
from trainer.training_state import make_state

ROWS, VOCABULARY = 48, 8000


def main(lengths: list[int]) -> None:
    settings = TrainingSettings(precision="bfloat16")
    gpu.check = lambda: None  # the check would fail, since this GPU computes nothing
    state = make_state(ModelSettings(), settings, VOCABULARY, seed=1, steps=1000)
    step = make_train_step([state], settings, seed=1)
    counter = ctypes.CDLL("libcounting_gpu.so")
    rng = np.random.default_rng(1)
    result = {}
    for length in lengths:
        ids = [rng.integers(4, VOCABULARY, [ROWS, length], np.int32) for _ in range(2)]
        batch = [Part(*ids, np.float32(1))]
        for _ in range(2):  # for tracing, compiling and tuning
            step(batch)
        float(state.loss_sum)
        before, after = (ctypes.c_long * 3)(), (ctypes.c_long * 3)()
        counter.counting_gpu_read(before)
        step(batch)
        counter.counting_gpu_read(after)
        names = ("launches", "reads", "waits")
        result[length] = dict(zip(names, np.subtract(after, before).tolist(), strict=True))
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]])
