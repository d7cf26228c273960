"""Checks for GPUs visible to TensorFlow and usable by it."""

import tensorflow as tf

BFLOAT16_CAPABILITY = (8, 0)
"""Lowest compute capability with bfloat16 products (NVIDIA, CUDA C++ Programming Guide, section on
compute capabilities); the T4 has 7.5 and the V100 has 7.0."""


class GPUError(ValueError):
    """No GPU can be used; the message gives the reason."""


def is_there() -> bool:
    """Returns whether TensorFlow sees a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def multiplies_bfloat16() -> bool:
    """Returns whether there is a GPU, and all GPUs multiply bfloat16 natively."""
    gpus = tf.config.list_physical_devices("GPU")
    details = map(tf.config.experimental.get_device_details, gpus)
    capabilities = [each.get("compute_capability", (0, 0)) for each in details]
    return bool(capabilities) and min(capabilities) >= BFLOAT16_CAPABILITY


def check() -> None:
    """Compiles and computes a power on the GPU, as the optimizer does in its first step.

    Raises:
      GPUError: TensorFlow sees no GPU, or cannot compile for it, because NVIDIA's libdevice or
        ptxas is missing.
    """
    if not is_there():
        raise GPUError(
            "The Trainer was given a GPU, and TensorFlow sees none: use the image of "
            "kubeflow/Dockerfile.gpu, check the node's driver, or set kubeflow.trainer.gpus to 0."
        )
    power = tf.function(tf.pow, autograph=False, jit_compile=True)
    try:
        with tf.device("GPU:0"):
            float(power(tf.constant(0.5), tf.constant(3.0)))
    except tf.errors.OpError as error:
        first = error.message.strip().partition("\n")[0].partition(". ")[0]
        raise GPUError(
            f"TensorFlow sees a GPU and cannot compute on it ({first}): install "
            "tensorflow[and-cuda], which brings libdevice and ptxas, or hide the GPU with "
            "CUDA_VISIBLE_DEVICES=-1."
        ) from error
