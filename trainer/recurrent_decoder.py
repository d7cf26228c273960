"""The decoder: a recurrent language model of the target which attends to the source at every step.

    s_t = cell(E y_{t-1}, s_{t-1})
    c_t = attention(s_t, h)
    o_t = tanh(W_c [c_t ; s_t])

The context is a weighted sum, so W_c [c_t ; s_t] = sum_i alpha_ti (W_c^c h_i) + W_c^s s_t. The
products W_c^c h_i are computed once for each source, not at every step of each hypothesis.

As in Luong, Pham and Manning (2015, section 3.1), the state is updated first and then attends. So
with teacher forcing the recurrence runs through the whole target, and attention is computed for all
its positions at once.

The bottom layer attends. Each layer above reads the state below and the context, and its output is
added to the state below (Wu et al., 2016, section 3). o_t reads the top layer:

    s^l_t = s^{l-1}_t + cell_l([s^{l-1}_t ; c_t], s^l_{t-1})

With input feeding (Luong et al., section 3.3) the bottom layer reads [E y_{t-1} ; o_{t-1}]. So it
knows the earlier attention, but teacher forcing must go step by step.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from trainer.attention import Memory
from trainer.attention_kinds import make_attention
from trainer.layers import NO_DROPOUT, Dropout, DropoutPlace, Part, Projection
from trainer.recurrent import CELLS, Cell, Recurrence, output_of, run, take_step
from trainer.settings import ModelSettings

RunLayer = Callable[[int, Cell, tf.Tensor], tf.Tensor]
"""(depth, cell, inputs [batch, target, inputs]) -> outputs [batch, target, units]."""


class RecurrentDecoder(tf.Module):
    """Turns embedded target words and the encoder's memory into output vectors.

    The state of a hypothesis is one vector: the states of all layers, bottom first, and with input
    feeding also the last output.
    """

    def __init__(
        self,
        settings: ModelSettings,
        rng: np.random.Generator,
        state_units: int,
        summary_units: int,
        recurrence: Recurrence = run,
    ):
        """Makes the weights, for encoder states and a summary of these widths."""
        super().__init__()
        self._run = recurrence
        make_cell, self.units = CELLS[settings.cell], settings.decoder_units
        self._input_feeding = settings.input_feeding
        fed = self.units if settings.input_feeding else 0
        self.attention = make_attention(settings, rng, self.units, state_units)
        self.layers = [make_cell(rng, settings.embedding_size + fed, self.units)]
        for _ in range(settings.decoder_layers - 1):
            self.layers.append(make_cell(rng, self.units + state_units, self.units))
        self._sizes = [cell.state_size for cell in self.layers]
        self.initial = Projection(rng, summary_units, sum(self._sizes))
        self.W_c = Projection(
            rng,
            state_units + self.units,
            self.units,
            parts=[Part(state_units, False), Part(self.units, settings.decoder_layers == 1)],
        )
        # W_c can be applied to the values in advance only if nothing else reads the context:
        # upper layers read it, and attention heads project it themselves.
        is_only_reader = settings.decoder_layers == 1 and not self.attention.projects_values
        self._projects_in_advance = is_only_reader

    def remember(self, states: tf.Tensor, summary: tf.Tensor, mask: tf.Tensor) -> Memory:
        """Computes the memory for attention.

        Args:
          states: of the encoder, [batch, source, state units].
          summary: of the states, [batch, summary units].
          mask: bool [batch, source].
        """
        memory = self.attention.remember(states, summary, mask)
        if not self._projects_in_advance:
            return memory
        return memory._replace(values=self.W_c.of_part(memory.values, 0))

    def initial_state(self, summary: tf.Tensor) -> tf.Tensor:
        """Computes the first state from the encoder's summary.

        The shapes are [batch, summary units] -> [batch, state size].
        """
        state = tf.tanh(self.initial(summary))
        return tf.pad(state, [[0, 0], [0, self.units]]) if self._input_feeding else state

    def force(
        self,
        embedded: tf.Tensor,
        mask: tf.Tensor,
        initial_state: tf.Tensor,
        memory: Memory,
        dropout: Dropout = NO_DROPOUT,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Processes a known target (teacher forcing).

        Args:
          embedded: the target shifted right by one, [batch, target, embedding size].
          mask: bool [batch, target].
          initial_state: [batch, state size].
          memory: memory of the source.
          dropout: dropout for training.

        Returns:
          o, [batch, target, units], and the attention weights [batch, target, source].
        """
        if self._input_feeding:
            return self._force_by_steps(embedded, initial_state, memory, dropout)
        starts = _split(initial_state, self._sizes)
        return self._layers(
            lambda depth, cell, inputs: self._run(cell, inputs, mask, starts[depth])[0],
            embedded,
            memory,
            dropout,
        )

    def step(
        self,
        embedded: tf.Tensor,
        state: tf.Tensor,
        memory: Memory,
        dropout: Dropout = NO_DROPOUT,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Takes one step of several hypotheses of each source.

        Args:
          embedded: the last word of each hypothesis, [batch, beam, embedding size].
          state: state of each hypothesis, [batch, beam, state size].
          memory: memory of the source.
          dropout: dropout for training.

        Returns:
          o, [batch, beam, units]; the new state; the attention weights [batch, beam, source].
        """
        fed = [self.units] if self._input_feeding else []
        parts = _split(state, [*self._sizes, *fed])
        depths = len(self.layers)
        states = parts[:depths]

        def run_layer(depth: int, cell: Cell, inputs: tf.Tensor) -> tf.Tensor:
            states[depth] = take_step(cell, inputs, states[depth])
            return output_of(cell, states[depth])

        inputs = _join([embedded, *parts[depths:]])
        outputs, weights = self._layers(run_layer, inputs, memory, dropout)
        return outputs, _join([*states, outputs] if fed else states), weights

    def _force_by_steps(
        self, embedded: tf.Tensor, initial_state: tf.Tensor, memory: Memory, dropout: Dropout
    ) -> tuple[tf.Tensor, tf.Tensor]:
        kind, steps = embedded.dtype, tf.shape(embedded)[1]
        inputs = tf.TensorArray(kind, steps).unstack(tf.transpose(embedded, [1, 0, 2]))
        outputs = tf.TensorArray(kind, steps, element_shape=[None, self.units])
        weights = tf.TensorArray(tf.float32, steps, element_shape=[None, None])

        def advance(
            time: tf.Tensor, state: tf.Tensor, outputs: tf.TensorArray, weights: tf.TensorArray
        ) -> tuple:
            words = inputs.read(time)[:, None]
            o, state, alpha = self.step(words, state, memory, dropout.at_step(time))
            return time + 1, state, outputs.write(time, o[:, 0]), weights.write(time, alpha[:, 0])

        _, _, outputs, weights = tf.while_loop(
            lambda time, *_: time < steps, advance, [0, initial_state[:, None], outputs, weights]
        )
        return tf.transpose(outputs.stack(), [1, 0, 2]), tf.transpose(weights.stack(), [1, 0, 2])

    def _layers(
        self, run_layer: RunLayer, inputs: tf.Tensor, memory: Memory, dropout: Dropout
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes the equations above.

        The inputs are all positions, [batch, target, inputs], or one step, [batch, beam, inputs].
        """
        bottom, *upper = self.layers
        states = run_layer(0, bottom, inputs)
        query = dropout(states, DropoutPlace.DECODER_STATES)
        context, weights = self.attention(query, memory)
        below = query
        for depth, cell in enumerate(upper, start=1):
            states += run_layer(depth, cell, tf.concat([below, context], axis=-1))
            below = dropout(states, DropoutPlace.DECODER_STATES, depth)
        seen = context if self._projects_in_advance else self.W_c.of_part(context, 0)
        outputs = tf.tanh(seen + self.W_c.of_part(below, 1))
        return dropout(outputs, DropoutPlace.DECODER_OUTPUTS), weights


def _split(x: tf.Tensor, sizes: list[int]) -> list[tf.Tensor]:
    """Splits the last axis; a search has no operation for a single part."""
    return tf.split(x, sizes, axis=-1) if len(sizes) > 1 else [x]


def _join(parts: list[tf.Tensor]) -> tf.Tensor:
    return tf.concat(parts, axis=-1) if len(parts) > 1 else parts[0]
