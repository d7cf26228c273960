"""Adam (Kingma and Ba, 2015), with a single operation for each weight.

    m <- beta_1 m + (1 - beta_1) g
    v <- beta_2 v + (1 - beta_2) g^2
    w <- w - alpha sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)

Keras computes this in a dozen operations. On a processor each reads and writes the whole weight.
"""

import keras
import tensorflow as tf


class Adam(keras.optimizers.Adam):
    """Keras's Adam with TensorFlow's own operation for the update; the state is the same."""

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Updates a weight; see `keras.optimizers.Optimizer`."""
        index = self._get_variable_index(variable)
        steps = tf.cast(self.iterations, tf.float32) + 1
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=self.beta_1**steps,
            beta2_power=self.beta_2**steps,
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
            use_locking=True,
        )
