"""The decoder with attention: a recurrent language model of the target that looks at the source at
every step.

    s_t = GRU(E y_{t-1}, s_{t-1})
    c_t = attention(s_t, h)
    o_t = tanh(W_c [c_t ; s_t])

The order is that of Luong, Pham and Manning (2015, section 3.1): the state is updated first and
then attends. So with teacher forcing the recurrence runs through the whole target, and attention is
computed for all its positions at once.
"""

import numpy as np
import tensorflow as tf

from trainer.attention import BahdanauAttention, Memory
from trainer.layers import Dropout, DropoutPlace, Projection
from trainer.recurrent import GRU


class AttentionDecoder(tf.Module):
    """Turns embedded target words and the encoder's memory into output vectors."""

    def __init__(
        self,
        rng: np.random.Generator,
        inputs: int,
        units: int,
        attention: BahdanauAttention,
        state_units: int,
    ):
        super().__init__()
        self.attention = attention
        self.initial = Projection(rng, state_units, units)
        self.recurrence = GRU(rng, inputs, units)
        self.W_c = Projection(rng, state_units + units, units)

    def initial_state(self, summary: tf.Tensor) -> tf.Tensor:
        """The first state, from the encoder's summary: [batch, state units] -> [batch, units]."""
        return tf.tanh(self.initial(summary))

    def states(self, embedded: tf.Tensor, mask: tf.Tensor, initial_state: tf.Tensor) -> tf.Tensor:
        """Runs through a known target (teacher forcing).

        Args:
          embedded: the target moved right by one, [batch, target, inputs].
          mask: bool [batch, target].
          initial_state: [batch, units].

        Returns:
          The states s, [batch, target, units].
        """
        return self.recurrence(embedded, mask, initial_state)[0]

    def advance(self, embedded: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        """Takes one step of the search: [batch, beam, inputs] and [batch, beam, units] -> [batch,
        beam, units]."""
        return self.recurrence.step(embedded, state)

    def read(
        self, states: tf.Tensor, memory: Memory, dropout: Dropout
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Attends from states and combines them with what was seen.

        Args:
          states: [batch, target, units] or, in the search, [batch, beam, units].
          memory: of the encoder.
          dropout: applied to the states and to the result.

        Returns:
          o, [batch, target, units], and the attention weights [batch, target, source].
        """
        states = dropout(states, DropoutPlace.DECODER_STATES)
        context, weights = self.attention(states, memory)
        outputs = tf.tanh(self.W_c(tf.concat([context, states], axis=-1)))
        return dropout(outputs, DropoutPlace.DECODER_OUTPUTS), weights
