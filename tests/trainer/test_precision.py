from pathlib import Path

import pytest
import tensorflow as tf

from trainer import precision
from trainer.precision import compute_type, describe_machine
from trainer.settings import TrainingSettings


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({"AuthenticAMD", "avx2", "avx512_bf16"}, tf.bfloat16),
        ({"GenuineIntel", "avx512_bf16", "amx_bf16"}, tf.bfloat16),
        ({"GenuineIntel", "avx512_bf16"}, tf.float32),
        ({"AuthenticAMD", "avx2", "avx512f"}, tf.float32),
        (set(), tf.float32),
    ],
)
def test_auto_takes_bfloat16_where_the_processor_is_faster_with_it(
    no_gpu, monkeypatch, features, expected
):
    monkeypatch.setattr(precision, "_processor_features", lambda: features)
    assert compute_type("auto") == expected


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="only Linux tells its processor")
def test_the_features_of_this_processor_are_read():
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    features = precision._processor_features()
    assert all(feature in text for feature in features)
    for name in ("AuthenticAMD", "GenuineIntel", "avx2"):
        assert (name in features) == (name in text.split())


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"compute_capability": (9, 0)}, "bfloat16"),
        ({"compute_capability": (8, 0)}, "bfloat16"),
        ({"compute_capability": (7, 5)}, "float32"),  # T4
        ({}, "float32"),
    ],
)
def test_auto_takes_bfloat16_on_a_gpu_that_multiplies_it(monkeypatch, details, expected):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["gpu"])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details)
    monkeypatch.setattr(precision, "_processor_features", lambda: {"amx_bf16"})
    assert compute_type("auto").name == expected
    assert describe_machine(TrainingSettings(precision="auto")) == f"1 GPU, {expected}"
    assert describe_machine(TrainingSettings(precision="auto"), 3) == f"3 x 1 GPU, {expected}"


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_type_that_is_named_is_taken(no_gpu, name):
    assert compute_type(name).name == name
    assert describe_machine(TrainingSettings(precision=name)) == f"CPU, {name}"
