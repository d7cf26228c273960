import logging
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from trainer import training_log
from trainer.training_log import StepLog, in_words, log_epoch
from trainer.validation import Example, Scores


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (40.4, "40 s"),
        (89, "89 s"),
        (91, "2 min"),
        (3599, "1 h 0 min"),
        (11_100, "3 h 5 min"),
    ],
)
def test_durations_are_in_words(seconds, words):
    assert in_words(seconds) == words


def test_a_line_tells_how_far_the_training_is(caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    now = [0.0]
    monkeypatch.setattr(training_log.time, "monotonic", lambda: now[0])
    state = SimpleNamespace(
        loss_sum=tf.Variable(50.0),
        epoch=tf.Variable(1),
        optimizer=SimpleNamespace(learning_rate=tf.constant(0.001)),
    )
    log = StepLog(state, 4000, tf.summary.create_noop_writer())
    batch = [SimpleNamespace(target_ids=np.array([[5, 6, 3], [7, 3, 0]]))]
    for step in range(1001, 1201):
        now[0] += 0.5
        state.loss_sum.assign_add(2.0 if step <= 1100 else 1.0)
        log.add(step, batch)
    assert caplog.messages == [
        "epoch 2, step 1,100 of 4,000 (28 %), loss 2.000, 10 tokens/s, 24 min left",
        "epoch 2, step 1,200 of 4,000 (30 %), loss 1.000, 10 tokens/s, 23 min left",
    ]


def test_an_epoch_has_a_line_and_its_examples(caplog):
    caplog.set_level(logging.INFO)
    entry = {"epoch": 3, "seconds": 61.7, "train_loss": 2.5}
    examples = [Example("Hello.", "Hallo."), Example("a " * 60, "b")]
    log_epoch(entry, 10, Scores(2.0, 31.25, 50.0), "bleu", True, examples)
    assert caplog.messages == [
        "epoch 3 of 10: 62 s, loss 2.500, validation loss 2.000, validation BLEU 31.25, "
        "the best so far",
        "  Hello. -> Hallo.",
        f"  {'a ' * 48}a... -> b",
    ]
