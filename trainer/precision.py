"""Which number type to compute in, and on which device."""

from pathlib import Path

import tensorflow as tf

from trainer import gpu
from trainer.settings import TrainingSettings

_NATIVE_FLAGS = {"avx512_bf16", "amx_bf16"}


def compute_type(precision: str) -> tf.DType:
    """Resolves `training.precision`.

    Args:
      precision: `auto`, `float32` or `bfloat16`. `auto` means bfloat16 where the GPU, or without
        one the processor, multiplies it natively (twice as fast there), float32 elsewhere.

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
    """Says what training runs on, for the log and the model's record: `CPU, bfloat16`, or
    `2 x 8 GPU, bfloat16` where two machines train together."""
    gpus = tf.config.list_physical_devices("GPU")
    device = f"{len(gpus)} GPU" if gpus else "CPU"
    if workers > 1:
        device = f"{workers} x {device}"
    return f"{device}, {compute_type(settings.precision).name}"


def _processor_flags() -> set[str]:
    """Returns the features that Linux reports; none elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return set()
    lines = (line for line in text.splitlines() if line.startswith("flags"))
    return set(next(lines, "").partition(":")[2].split())
