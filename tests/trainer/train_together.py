"""Trains the tiny model as one of several replicas.

Run `python -m tests.trainer.train_together NAME DEVICES TOKENS PARTS KILLED_AT` in a separate
folder, with TF_CONFIG if there are workers. It writes the weights to NAME.npz. All workers of the
folder share the checkpoints. With KILLED_AT, the process kills itself before this step.
"""

import logging
import os
import signal
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.trainer.tiny import DECODING, MODEL, TRAINING, encoded_pairs, write_vocabulary
from trainer import training
from trainer.replicas import LostWorkerError, all_devices, of_strategy
from trainer.subwords import read_vocabulary


def main(name: str, devices: int, tokens: int, parts: int, killed_at: int) -> None:
    if devices == 1:
        replicas = all_devices()
    else:
        (processor,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(
            processor, [tf.config.LogicalDeviceConfiguration()] * devices
        )
        names = [f"CPU:{number}" for number in range(devices)]
        replicas = of_strategy(tf.distribute.MirroredStrategy(names))
    training.STEPS_PER_CHECKPOINT = 2
    make_train_step = training.make_train_step

    def make_mortal_step(*arguments):
        step, taken = make_train_step(*arguments), iter(range(1000))

        def mortal_step(batch):
            if next(taken) == killed_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(batch)

        return mortal_step

    if killed_at:
        training.make_train_step = make_mortal_step
    folder = Path(name)
    folder.mkdir()
    vocabulary = write_vocabulary(folder)
    pairs = encoded_pairs(vocabulary)
    result = training.train(
        training.TrainingData(pairs, pairs, read_vocabulary(vocabulary)),
        MODEL,
        TRAINING.model_copy(
            update={"tokens_per_batch": tokens, "accumulate_batches": parts, "dropout": 0.0}
        ),
        DECODING,
        seed=1,
        checkpoint_folder="checkpoints",
        log_folder=str(folder / "logs"),
        replicas=replicas,
    )
    steps = result.history[-1]["step"]
    np.savez(f"{name}.npz", steps, *(weight.numpy() for weight in result.model.variables))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    try:
        main(sys.argv[1], *map(int, sys.argv[2:]))
    except LostWorkerError as error:
        sys.exit(str(error))
