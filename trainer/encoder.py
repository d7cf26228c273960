"""The encoder: a bidirectional recurrent network (Bahdanau et al., 2015, section 3.2).

The annotation of a source position is h_i = [forward h_i ; backward h_i], so it knows the words
before and after it.
"""

import numpy as np
import tensorflow as tf

from trainer.recurrent import GRU


class BidirectionalEncoder(tf.Module):
    """Reads the embedded source in both directions."""

    def __init__(self, rng: np.random.Generator, inputs: int, units: int):
        super().__init__()
        self.forward = GRU(rng, inputs, units)
        self.backward = GRU(rng, inputs, units)
        self.output_units = 2 * units

    def __call__(self, embedded: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Encodes.

        Args:
          embedded: [batch, source, inputs].
          mask: bool [batch, source], true on real positions.

        Returns:
          The encoder states [batch, source, 2 * units], and a summary [batch, 2 * units]: the last
          state of each direction.
        """
        start = tf.zeros([tf.shape(embedded)[0], self.forward.units], embedded.dtype)
        forward, last = self.forward(embedded, mask, start)
        backward, first = self.backward(embedded, mask, start, backwards=True)
        return tf.concat([forward, backward], axis=-1), tf.concat([last, first], axis=-1)
