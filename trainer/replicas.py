"""Training on several devices: GPUs of one machine, or of several (data parallelism).

Each replica has its own weights. It computes the gradients of its parts of a batch, and updates its
weights with the sum of all gradients. The sum is the same everywhere, so the weights stay equal.
TensorFlow's strategies run the replicas and compute the sums. They do not hold the variables,
because a function compiled by XLA cannot update a strategy's variables.
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
    """TF_CONFIG is invalid; the message gives the reason."""


class LostWorkerError(RuntimeError):
    """Another worker does not respond any more."""


@dataclass(frozen=True)
class Replicas:
    """The devices for training one model."""

    strategy: tf.distribute.Strategy
    """Runs the replicas of this process."""
    worker: int = 0
    """Number of this process; 0 writes checkpoints, logs and the export."""
    devices: Sequence[str | None] = (None,)
    """Devices of this process; None is TensorFlow's default device."""

    @property
    def total(self) -> int:
        """Number of replicas of all processes."""
        return int(self.strategy.num_replicas_in_sync)

    @property
    def workers(self) -> int:
        """Number of processes; each has the same number of replicas."""
        return self.total // len(self.devices)

    @property
    def first(self) -> int:
        """Number of this process's first replica."""
        return self.worker * len(self.devices)

    @property
    def writes(self) -> bool:
        """Whether this process writes the results of training."""
        return self.worker == 0

    def run(self, function: Callable[[int], list[tf.Tensor]]) -> list[list[tf.Tensor]]:
        """Computes tensors on each device of this process, and sums them over all replicas.

        Args:
          function: number of the device in this process -> tensors.

        Returns:
          The sums of the tensors, by device.
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
    def report_lost_worker(self) -> Iterator[None]:
        """Turns TensorFlow's error for a lost worker into a `LostWorkerError`.

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
        """Returns the means of the values over all replicas, so all make the same decisions."""
        if self.workers == 1:
            return list(values)

        @tf.function(autograph=False)
        def mean() -> list[tf.Tensor]:
            return self.run(lambda _: [tf.constant(value) / self.total for value in values])[0]

        return [float(value) for value in mean()]


def one_device() -> Replicas:
    """Returns TensorFlow's default device."""
    return Replicas(tf.distribute.get_strategy())


def all_devices() -> Replicas:
    """Returns all devices for training.

    These are the workers of TF_CONFIG, or else all GPUs of this machine, or else the processor.
    Must be called before TensorFlow computes anything.

    Raises:
      ClusterError: TF_CONFIG is invalid.
    """
    workers, number = _workers(os.environ.get(_TF_CONFIG, "{}"))
    if workers > 1:
        return of_strategy(tf.distribute.MultiWorkerMirroredStrategy(), number)
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return of_strategy(tf.distribute.MirroredStrategy())
    return one_device()


def of_strategy(strategy: tf.distribute.Strategy, worker: int = 0) -> Replicas:
    """Returns the devices of a mirrored strategy; this process is the given worker."""
    devices = strategy.extended.worker_devices
    return Replicas(strategy, worker, devices if len(devices) > 1 else (None,))


def _workers(tf_config: str) -> tuple[int, int]:
    """Returns the number of workers in TF_CONFIG, and the index of this one."""
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
