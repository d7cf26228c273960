"""The encoder: recurrent layers over the source, in one direction or both.

With both directions (Bahdanau et al., 2015, section 3.2) the annotation of a source position is
h_i = [forward h_i ; backward h_i], so it depends on the words before and after it. Further layers
read the annotations of the layer below and add to them (a residual connection: He et al., 2016; Wu
et al., 2016, section 3.1).

With `attend_embeddings` an annotation also contains the embedding of its own word, [h_i ; E x_i].
So the decoder attends to the word itself and not only to the recurrent state. Rare words are then
translated better (Nguyen and Chiang, 2018, section 4), and attention lies on the right word.
"""

import numpy as np
import tensorflow as tf

from trainer.layers import Dropout, DropoutPlace
from trainer.recurrent import CELLS, Recurrence, run
from trainer.settings import ModelSettings


class RecurrentEncoder(tf.Module):
    """Encodes the embedded source."""

    def __init__(
        self, settings: ModelSettings, rng: np.random.Generator, recurrence: Recurrence = run
    ):
        super().__init__()
        self._run = recurrence
        make_cell, units = CELLS[settings.cell], settings.encoder_units
        directions = 2 if settings.bidirectional else 1
        self.summary_units = directions * units
        # A fixed context does not attend to single words.
        self._with_embeddings = settings.attend_embeddings and settings.attends
        appended = settings.embedding_size if self._with_embeddings else 0
        self.output_units = self.summary_units + appended
        widths = [settings.embedding_size] + [self.summary_units] * (settings.encoder_layers - 1)
        self.layers = [
            [make_cell(rng, width, units) for _ in range(directions)] for width in widths
        ]

    def __call__(
        self, embedded: tf.Tensor, mask: tf.Tensor, dropout: Dropout
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes the annotations of the source, and its summary.

        Args:
          embedded: [batch, source, embedding size].
          mask: bool [batch, source], true on real positions.
          dropout: dropout on the states of every layer, for training.

        Returns:
          The annotations [batch, source, output units], and a summary [batch, summary units], the
          final states of each direction.
        """
        states, summary = self._layer(0, embedded, mask)
        for depth in range(1, len(self.layers)):
            below = dropout(states, DropoutPlace.ENCODER_STATES, depth)
            above, end = self._layer(depth, below, mask)
            states, summary = states + above, summary + end
        states = dropout(states, DropoutPlace.ENCODER_STATES)
        if self._with_embeddings:
            states = tf.concat([states, embedded], axis=-1)
        return states, summary

    def _layer(self, depth: int, inputs: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        outputs, last = [], []
        for cell, backwards in zip(self.layers[depth], (False, True), strict=False):
            start = tf.zeros([tf.shape(inputs)[0], cell.state_size], inputs.dtype)
            states, end = self._run(cell, inputs, mask, start, backwards=backwards)
            outputs.append(states)
            last.append(end[:, : cell.units])
        return tf.concat(outputs, axis=-1), tf.concat(last, axis=-1)
