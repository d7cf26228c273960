"""Prints what a training step of the default model asks of the GPU, as JSON by the length of its
sentences: `python step.py 20 30`, with the counting GPU on LD_LIBRARY_PATH."""

import ctypes
import json
import sys

import numpy as np
import tensorflow as tf

from trainer import cudnn, gpu, training
from trainer.model import TranslationModel
from trainer.settings import ModelSettings, TrainingSettings

ROWS, VOCABULARY = 48, 8000


def main(lengths: list[int]) -> None:
    settings = TrainingSettings(precision="bfloat16")
    state = training.TrainingState(
        lambda: TranslationModel(ModelSettings(), VOCABULARY, 1, tf.bfloat16, cudnn.run),
        training._optimizer(settings, steps=1000),
    )
    step = training._make_train_step(state, settings, 1, on_gpu=gpu.is_there())
    counter = ctypes.CDLL("libcounting_gpu.so")
    rng = np.random.default_rng(1)
    result = {}
    for length in lengths:
        ids = [rng.integers(4, VOCABULARY, [ROWS, length], np.int32) for _ in range(2)]
        for _ in range(2):  # traced, compiled and tuned
            step(*ids)
        float(state.loss_sum)
        before, after = (ctypes.c_long * 3)(), (ctypes.c_long * 3)()
        counter.counting_gpu_read(before)
        step(*ids)
        counter.counting_gpu_read(after)
        names = ("launches", "reads", "waits")
        result[length] = dict(zip(names, np.subtract(after, before).tolist(), strict=True))
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]])
