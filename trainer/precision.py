"""Chooses the number type for computing, and describes the device."""

import functools
import time
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from trainer import gpu
from trainer.settings import TrainingSettings

_NATIVE_FLAGS = {"avx512_bf16", "amx_bf16"}
_ROWS, _INNER, _COLUMNS = 512, 512, 4096
"""Sizes of the product that is timed: part of the one by the vocabulary, the largest of a step."""
_ROUNDS = 5
_LEAST_GAIN = 1.25
"""bfloat16 must be this many times as fast, since it is less exact."""


def compute_type(precision: str) -> tf.DType:
    """Resolves `training.precision`.

    Args:
      precision: `auto`, `float32` or `bfloat16`. `auto` means bfloat16 if the GPU multiplies it
        natively, or without a GPU if the processor does, and multiplies it faster. Else it means
        float32.

    Returns:
      The type of activations; weights stay float32.
    """
    if precision == "auto":
        if gpu.is_there():
            is_faster = gpu.multiplies_bfloat16()
        else:
            is_faster = bool(_NATIVE_FLAGS & _processor_flags()) and _bfloat16_is_faster()
        return tf.bfloat16 if is_faster else tf.float32
    return tf.as_dtype(precision)


def describe_machine(settings: TrainingSettings, workers: int = 1) -> str:
    """Describes the training devices and precision, for the log and the model's record.

    Examples are `CPU, bfloat16`, or `2 x 8 GPU, bfloat16` for two machines.
    """
    gpus = tf.config.list_physical_devices("GPU")
    device = f"{len(gpus)} GPU" if gpus else "CPU"
    if workers > 1:
        device = f"{workers} x {device}"
    return f"{device}, {compute_type(settings.precision).name}"


@functools.cache
def _bfloat16_is_faster() -> bool:
    """Times a product in both types, in a quarter of a second.

    The flag alone does not tell: with avx512_bf16, bfloat16 takes half the time of float32 on AMD's
    processors, and three times as long on Intel's of 2023 if a virtual machine hides their AMX.
    """
    products = {dtype: _product(dtype) for dtype in (tf.float32, tf.bfloat16)}
    seconds = {dtype: float("inf") for dtype in products}
    for _ in range(_ROUNDS):  # in turn, and the best counts: other processes may disturb some
        for dtype, multiply in products.items():
            start = time.perf_counter()
            multiply()
            seconds[dtype] = min(seconds[dtype], time.perf_counter() - start)
    return seconds[tf.bfloat16] * _LEAST_GAIN < seconds[tf.float32]


def _product(dtype: tf.DType) -> Callable[[], object]:
    rows, matrix = tf.ones([_ROWS, _INNER], dtype), tf.ones([_INNER, _COLUMNS], dtype)
    return lambda: tf.matmul(rows, matrix).numpy()


def _processor_flags() -> set[str]:
    """Returns the processor's features on Linux; none on other systems."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return set()
    lines = (line for line in text.splitlines() if line.startswith("flags"))
    return set(next(lines, "").partition(":")[2].split())
