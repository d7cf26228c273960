"""Adam in one operation moves weights as Keras's Adam does, and keeps the same state."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.adam import Adam

START = np.array([[1.0, -2.0], [0.5, 0.0]], np.float32)
GRADIENTS = [
    np.array([[0.1, -3.0], [1e-9, 0.0]], np.float32),
    np.array([[-2.0, 0.5], [1e-3, 7.0]], np.float32),
    np.array([[0.0, 0.0], [-1e-3, 7.0]], np.float32),
]
SCHEDULE = keras.optimizers.schedules.CosineDecay(
    0.01, decay_steps=5, warmup_target=0.1, warmup_steps=2
)


def after_steps(optimizer: keras.optimizers.Optimizer) -> list[np.ndarray]:
    """Returns the weight and the optimizer's state after a step with each gradient."""
    weight = tf.Variable(START)
    optimizer.build([weight])
    step = tf.function(
        lambda gradient: optimizer.apply_gradients([(gradient, weight)]), autograph=False
    )
    for gradient in GRADIENTS:
        step(tf.constant(gradient))
    return [weight.numpy(), *(variable.numpy() for variable in optimizer.variables)]


@pytest.mark.parametrize("clip", [None, 1.0])
def test_weights_and_state_are_those_of_keras(clip):
    ours, theirs = (
        after_steps(kind(SCHEDULE, global_clipnorm=clip)) for kind in (Adam, keras.optimizers.Adam)
    )
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)
    assert not np.allclose(ours[0], START, atol=0.01)
