"""Chooses the number type for computing, and describes the device."""

from pathlib import Path

import tensorflow as tf

from trainer import gpu
from trainer.settings import TrainingSettings

_TILES, _VECTORS, _AMD = "amx_bf16", "avx512_bf16", "AuthenticAMD"
"""With tiles, or with vectors on AMD, bfloat16 takes half the time of float32. With vectors alone
on Intel (2023, its tiles hidden by a virtual machine) it takes three times as long."""
_KEYS = ("vendor_id", "flags")


def compute_type(precision: str) -> tf.DType:
    """Resolves `training.precision`.

    Args:
      precision: `auto`, `float32` or `bfloat16`. `auto` means bfloat16 if the GPU multiplies it
        natively, or without a GPU if the processor is known to multiply it faster. Else it means
        float32. Nothing is timed, so a machine always has the same type.

    Returns:
      The type of activations; weights stay float32.
    """
    if precision == "auto":
        if gpu.is_there():
            is_faster = gpu.multiplies_bfloat16()
        else:
            features = _processor_features()
            is_faster = _TILES in features or {_VECTORS, _AMD} <= features
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


def _processor_features() -> set[str]:
    """Returns the processor's vendor and its flags on Linux; none on other systems."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return set()
    first, _, _ = text.partition("\n\n")
    lines = (line.partition(":") for line in first.splitlines())
    return {word for key, _, value in lines if key.strip() in _KEYS for word in value.split()}
