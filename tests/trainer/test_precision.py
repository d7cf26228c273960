import pytest
import tensorflow as tf

from trainer import precision
from trainer.precision import compute_type, describe_machine
from trainer.settings import TrainingSettings


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])


@pytest.fixture
def timed(monkeypatch):
    """Makes a product in each type take a given number of seconds by the clock."""

    def times(**seconds):
        now = [0.0]

        def product(dtype):
            def multiply():
                now[0] += seconds[dtype.name]

            return multiply

        monkeypatch.setattr(precision, "_product", product)
        monkeypatch.setattr(precision.time, "perf_counter", lambda: now[0])
        precision._bfloat16_is_faster.cache_clear()

    yield times
    precision._bfloat16_is_faster.cache_clear()


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
    no_gpu, monkeypatch, timed, flags, expected
):
    timed(float32=2.0, bfloat16=1.0)
    monkeypatch.setattr(precision, "_processor_flags", lambda: flags)
    assert compute_type("auto") == expected


@pytest.mark.parametrize("seconds", [0.9, 1.0, 3.0])
def test_auto_takes_float32_where_bfloat16_is_not_faster(no_gpu, monkeypatch, timed, seconds):
    timed(float32=1.0, bfloat16=seconds)
    monkeypatch.setattr(precision, "_processor_flags", lambda: {"avx512_bf16"})
    assert compute_type("auto") == tf.float32


def test_both_products_are_computed_and_timed_once(no_gpu, monkeypatch):
    made = []
    product = precision._product
    monkeypatch.setattr(precision, "_processor_flags", lambda: {"avx512_bf16"})
    monkeypatch.setattr(precision, "_product", lambda dtype: made.append(dtype) or product(dtype))
    precision._bfloat16_is_faster.cache_clear()
    assert compute_type("auto") == compute_type("auto")
    assert made == [tf.float32, tf.bfloat16]
    precision._bfloat16_is_faster.cache_clear()


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
    monkeypatch.setattr(precision, "_processor_flags", lambda: {"avx512_bf16"})
    assert compute_type("auto").name == expected
    assert describe_machine(TrainingSettings(precision="auto")) == f"1 GPU, {expected}"
    assert describe_machine(TrainingSettings(precision="auto"), 3) == f"3 x 1 GPU, {expected}"


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_type_that_is_named_is_taken(no_gpu, name):
    assert compute_type(name).name == name
    assert describe_machine(TrainingSettings(precision=name)) == f"CPU, {name}"
