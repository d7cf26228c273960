"""Chooses the number type for computing, and describes the device."""

from pathlib import Path

import tensorflow as tf

from trainer import gpu
from trainer.settings import TrainingSettings

_NATIVE_FLAGS = {"avx512_bf16", "amx_bf16"}


def compute_type(precision: str) -> tf.DType:
    """Resolves `training.precision`.

    Args:
      precision: `auto`, `float32` or `bfloat16`. `auto` means bfloat16 if the GPU, or without one
        the processor, multiplies it natively (it is then twice as fast), else float32.

    Returns:
      The type of activations; weights stay float32.
    """
    if precision == "auto":
        if gpu.is_there():
            is_native = gpu.multiplies_bfloat16()
        else:
            is_native = bool(_NATIVE_FLAGS & _processor_flags())
        return tf.bfloat16 if is_native else tf.float32
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


def _processor_flags() -> set[str]:
    """Returns the processor's features on Linux; none on other systems."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return set()
    lines = (line for line in text.splitlines() if line.startswith("flags"))
    return set(next(lines, "").partition(":")[2].split())
