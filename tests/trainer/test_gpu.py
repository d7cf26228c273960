import pytest
import tensorflow as tf

from trainer import gpu


def test_without_a_gpu_the_check_says_what_to_do(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    with pytest.raises(gpu.GPUError, match=r"TensorFlow sees none: use the image"):
        gpu.check()


def test_a_gpu_that_nothing_can_be_compiled_for_is_an_error(monkeypatch):
    def fail(x, y):
        raise tf.errors.InternalError(None, None, "libdevice not found at ./x.bc. Details:\nmore")

    monkeypatch.setattr(gpu, "is_there", lambda: True)
    monkeypatch.setattr(tf, "pow", fail)
    with pytest.raises(gpu.GPUError, match=r"\(libdevice not found at ./x.bc\): install"):
        gpu.check()
