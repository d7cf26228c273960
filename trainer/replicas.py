"""The devices that train together: GPUs of one machine, or of several (data parallelism).

Each replica has weights of its own, computes the gradients of its parts of a batch, and updates its
weights with the gradients of all. Those sums are the same everywhere, so the weights stay equal.
TensorFlow's strategies run the replicas and add up; they do not hold the variables, because theirs
cannot be updated in a function that XLA compiles.
"""

import itertools
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import tensorflow as tf

_TF_CONFIG = "TF_CONFIG"


class ClusterError(ValueError):
    """TF_CONFIG is not understood: a sentence that says why."""


class LostWorkerError(RuntimeError):
    """Another worker does not answer any more."""


@dataclass(frozen=True)
class Replicas:
    """Devices that train one model."""

    strategy: tf.distribute.Strategy
    """Runs the replicas of this process."""
    worker: int = 0
    """Number of this process; 0 writes checkpoints, logs and the export."""
    devices: Sequence[str | None] = (None,)
    """Those of this process; None is where TensorFlow puts things."""

    @property
    def total(self) -> int:
        """Number of replicas of all processes."""
        return int(self.strategy.num_replicas_in_sync)

    @property
    def workers(self) -> int:
        """Number of processes, which have as many replicas each."""
        return self.total // len(self.devices)

    @property
    def first(self) -> int:
        """Number of this process's first replica."""
        return self.worker * len(self.devices)

    @property
    def writes(self) -> bool:
        """Whether this process writes what training leaves."""
        return self.worker == 0

    def run(self, function: Callable[[int], list[tf.Tensor]]) -> list[list[tf.Tensor]]:
        """Computes something on each device of this process, and adds it up over all replicas.

        Args:
          function: number of the device in this process -> tensors.

        Returns:
          By device, the sums of the tensors.
        """
        if self.total == 1:
            return [function(0)]

        def replica(device: int) -> list[tf.Tensor]:
            context = tf.distribute.get_replica_context()
            return context.all_reduce(tf.distribute.ReduceOp.SUM, function(device))

        numbers = itertools.count()
        devices = self.strategy.experimental_distribute_values_from_function(
            lambda _: next(numbers)
        )
        sums = self.strategy.run(replica, [devices])
        by_tensor = [self.strategy.experimental_local_results(each) for each in sums]
        return [list(each) for each in zip(*by_tensor, strict=True)]

    @contextmanager
    def told_if_lost(self) -> Iterator[None]:
        """Makes a sentence of the error that the loss of a worker is.

        Raises:
          LostWorkerError: a worker was lost.
        """
        try:
            yield
        except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
            if self.workers == 1:
                raise
            raise LostWorkerError(
                f"One of the {self.workers} workers of this training was lost: start all of them "
                "again, and the training goes on from its last checkpoint."
            ) from error

    def mean(self, *values: float) -> list[float]:
        """Returns the means of what all replicas have, so that all decide alike."""
        if self.workers == 1:
            return list(values)

        @tf.function(autograph=False)
        def mean() -> list[tf.Tensor]:
            return self.run(lambda _: [tf.constant(value) / self.total for value in values])[0]

        return [float(value) for value in mean()]


def one_device() -> Replicas:
    """Returns the device that TensorFlow chooses."""
    return Replicas(tf.distribute.get_strategy())


def all_devices() -> Replicas:
    """Returns the workers that TF_CONFIG names, or else all GPUs of this machine, or else the
    processor. Must be called before TensorFlow computes anything.

    Raises:
      ClusterError: TF_CONFIG is not understood.
    """
    workers, number = _workers(os.environ.get(_TF_CONFIG, "{}"))
    if workers > 1:
        return of_strategy(tf.distribute.MultiWorkerMirroredStrategy(), number)
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return of_strategy(tf.distribute.MirroredStrategy())
    return one_device()


def of_strategy(strategy: tf.distribute.Strategy, worker: int = 0) -> Replicas:
    """Returns the devices of a mirrored strategy, which this process is one worker of."""
    devices = strategy.extended.worker_devices
    return Replicas(strategy, worker, devices if len(devices) > 1 else (None,))


def _workers(tf_config: str) -> tuple[int, int]:
    """Returns how many workers TF_CONFIG names, and the number of this one among them."""
    try:
        config = json.loads(tf_config)
        cluster = config.get("cluster", {})
        chiefs, workers = len(cluster.get("chief", [])), len(cluster.get("worker", []))
        task = config.get("task", {"type": "worker", "index": 0})
        number = int(task["index"]) + (chiefs if task["type"] == "worker" else 0)
        others = set(cluster) - {"chief", "worker"}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClusterError(
            f"TF_CONFIG is {tf_config!r}, which names no cluster and task: correct it, or unset it "
            "to train on this machine alone."
        ) from error
    if others or task["type"] not in ("chief", "worker"):
        raise ClusterError(
            f"TF_CONFIG names a {', '.join(sorted(others)) or task['type']}, and training has "
            "only a chief and workers: leave out the others."
        )
    return chiefs + workers, number
