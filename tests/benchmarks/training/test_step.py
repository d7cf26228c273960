import itertools

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.training.step import main, make_batch, measure, time_steps
from pipeline.config.settings import load_config
from pipeline.errors import RunFailedError
from trainer import gpu
from trainer.subwords import PAD, RESERVED

SMALL = [
    f"model.{name}=8"
    for name in ("embedding_size", "encoder_units", "decoder_units", "attention_units")
]


def test_one_row_in_four_has_padding_behind_it() -> None:
    (part,) = make_batch(rows=8, length=5, vocabulary=1000, parts=1, seed=1)
    for ids in (part.source_ids, part.target_ids):
        assert np.count_nonzero(ids == PAD, axis=1).tolist() == [2, 0, 0, 0, 2, 0, 0, 0]
        assert RESERVED <= ids[ids != PAD].min() <= ids.max() < 1000


def test_the_parts_of_a_batch_share_its_loss() -> None:
    parts = make_batch(rows=2, length=3, vocabulary=1000, parts=4, seed=1)
    assert sum(part.share for part in parts) == 1


def test_the_first_step_is_not_in_the_median() -> None:
    # This clock advances by a second at each reading, and by ten in the first step.
    ticks = itertools.chain([0, 10], itertools.count(11))
    times = time_steps(lambda batch: tf.constant(0.0), [], steps=4, clock=lambda: next(ticks))
    assert times == (10, 1, 1 / 4)


def test_a_step_of_a_configuration_is_timed() -> None:
    config = load_config("debian", [*SMALL, "training.accumulate_batches=2"])
    found = measure(config, rows=2, length=4, steps=2)
    assert found["target_tokens_per_s"] > 0
    assert str(found["device"]).startswith(("CPU", "1 GPU"))


def test_a_gpu_that_cannot_be_used_ends_the_program_with_a_sentence(monkeypatch) -> None:
    def fail() -> None:
        raise gpu.GPUError("No libdevice.")

    monkeypatch.setattr(gpu, "is_there", lambda: True)
    monkeypatch.setattr(gpu, "check", fail)
    with pytest.raises(RunFailedError, match=r"No libdevice\."):
        main(overrides=SMALL, rows=2, length=4, steps=1)
