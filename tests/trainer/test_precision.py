import pytest
import tensorflow as tf

from trainer import precision
from trainer.precision import compute_type, describe_machine
from trainer.settings import TrainingSettings


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"avx2", "avx512_bf16"}, tf.bfloat16),
        ({"amx_bf16"}, tf.bfloat16),
        ({"avx2", "avx512f"}, tf.float32),
        (set(), tf.float32),
    ],
)
def test_auto_takes_bfloat16_where_the_processor_multiplies_it(
    no_gpu, monkeypatch, flags, expected
):
    monkeypatch.setattr(precision, "_processor_flags", lambda: flags)
    assert compute_type("auto") == expected


def test_auto_takes_bfloat16_on_a_gpu(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["gpu"])
    monkeypatch.setattr(precision, "_processor_flags", set)
    assert compute_type("auto") == tf.bfloat16
    assert describe_machine(TrainingSettings(precision="auto")) == "1 GPU, bfloat16"


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_type_that_is_named_is_taken(no_gpu, name):
    assert compute_type(name).name == name
    assert describe_machine(TrainingSettings(precision=name)) == f"CPU, {name}"
