"""The attention sequence-to-sequence model: embeddings, encoder, decoder, output layer.

    p(y_t | y_<t, x) = softmax(E W_o o_t + b)

with one embedding matrix E for the source, the target and the output layer (Press and Wolf, 2017):
source and target share their subwords. With copying this is mixed with the attention weights
(`trainer.copying`).
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from trainer.attention import Memory
from trainer.copying import Pointer, attention_on_vocabulary
from trainer.decoder import Decoder
from trainer.encoder import Encoder
from trainer.layers import (
    NO_DROPOUT,
    Dropout,
    DropoutPlace,
    Projection,
    product,
    served_copy,
    zeros,
)
from trainer.recurrent import Recurrence, run
from trainer.settings import ModelSettings
from trainer.subwords import PAD, START

INITIAL_EMBEDDINGS = 0.2
"""Standard deviation of the embeddings that an untrained network reads. At 1, what is left of it in
the embedding of a rare subword is loud noise."""


class Encoded(NamedTuple):
    """A batch of sources, ready to be translated."""

    source_ids: tf.Tensor
    """int32 [batch, source]."""
    memory: Memory
    initial_state: tf.Tensor
    """Of the decoder, [batch, state size]."""


class TranslationModel(tf.Module):
    """Maps source ids and target ids to distributions over the next target subword."""

    def __init__(
        self,
        settings: ModelSettings,
        vocabulary_size: int,
        seed: int,
        compute_type: tf.DType = tf.float32,
        recurrence: Recurrence = run,
    ):
        """Makes all weights, from the seed alone.

        Args:
          settings: sizes, cells, layers and the kind of attention.
          vocabulary_size: entries of the joint vocabulary.
          seed: of the initial weights.
          compute_type: float32 or bfloat16; weights are float32 in any case.
          recurrence: how layers run over a sequence. Of cuDNN it can train, but not be exported.
        """
        super().__init__()
        rng = np.random.default_rng(seed)
        self._compute_type = compute_type
        width = settings.embedding_size
        deviation = INITIAL_EMBEDDINGS * width**-0.5
        self.embeddings = tf.Variable(
            rng.normal(0.0, deviation, [vocabulary_size, width]).astype(np.float32)
        )
        self.encoder = Encoder(settings, rng, recurrence)
        self.decoder = Decoder(
            settings, rng, self.encoder.output_units, self.encoder.summary_units, recurrence
        )
        self.W_o = Projection(rng, settings.decoder_units, width)
        self.output_bias = zeros(vocabulary_size)
        self.output_kernel: tf.Variable | None = None  # E^T, once prepared to serve
        points = settings.copying and settings.attention != "none"
        self.pointer = Pointer(rng, settings.decoder_units) if points else None

    def prepare_to_serve(self, precision: tf.DType) -> None:
        """Makes the copies of matrices that an export multiplies with, in either precision.

        The output layer gets E^T, since a product of a few dozen rows reads that a quarter faster
        than E. In bfloat16 all matrices are rounded to it, to serve faster where that is computed
        natively; activations stay float32, and the recurrence of the encoder, a small part of a
        search, is not rounded. The weights themselves lie beside the copies as they are: whoever
        trains on begins with them.

        Args:
          precision: float32 or bfloat16.
        """
        if precision == tf.bfloat16:
            for module in self.submodules:
                if isinstance(module, Projection):
                    module.round()
        self.output_kernel = served_copy(tf.transpose(self.embeddings), precision)

    def _embed(self, ids: tf.Tensor) -> tf.Tensor:
        """Ids [...] to embeddings [..., embedding size], larger than those of the output layer by
        the root of their size (Vaswani et al., 2017, section 3.4)."""
        # Not from the variable itself: TensorFlow copies a variable that it has gathered from once
        # more whenever the output layer reads it.
        embeddings = tf.convert_to_tensor(self.embeddings)
        scale = embeddings.shape[1] ** 0.5
        return tf.cast(tf.gather(embeddings, ids) * scale, self._compute_type)

    def encode(self, source_ids: tf.Tensor, dropout: Dropout = NO_DROPOUT) -> Encoded:
        """Reads sources, int [batch, source], each with its end symbol, padded with 0."""
        mask = tf.not_equal(source_ids, PAD)
        embedded = dropout(self._embed(source_ids), DropoutPlace.SOURCE_EMBEDDINGS)
        states, summary = self.encoder(embedded, mask, dropout)
        seen = dropout(summary, DropoutPlace.SUMMARY)
        memory = self.decoder.remember(states, seen, mask)
        ids = tf.cast(source_ids, tf.int32)
        return Encoded(ids, memory, self.decoder.initial_state(summary))

    def force(
        self, encoded: Encoded, target_ids: tf.Tensor, dropout: Dropout = NO_DROPOUT
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs through known targets (teacher forcing).

        Args:
          encoded: the sources.
          target_ids: int [batch, target], each with its end symbol, padded with 0.
          dropout: while training.

        Returns:
          The output vectors o, [batch, target, decoder units], and the attention weights [batch,
          target, source]. Row t belongs to the prediction of target_ids[:, t].
        """
        previous = tf.pad(target_ids[:, :-1], [[0, 0], [1, 0]], constant_values=START)
        embedded = dropout(self._embed(previous), DropoutPlace.TARGET_EMBEDDINGS)
        mask = tf.not_equal(target_ids, PAD)
        return self.decoder.force(embedded, mask, encoded.initial_state, encoded.memory, dropout)

    def step(
        self, encoded: Encoded, previous: tf.Tensor, state: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Takes one step of a search.

        Args:
          encoded: the sources.
          previous: the last subword of each hypothesis, int [batch, beam].
          state: of the decoder, [batch, beam, state size].

        Returns:
          Logits, float32 [batch, beam, vocabulary]; the new state; attention weights [batch, beam,
          source].
        """
        outputs, state, weights = self.decoder.step(self._embed(previous), state, encoded.memory)
        return self.predict(encoded, outputs, weights), state, weights

    def predict(self, encoded: Encoded, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Scores every subword as the next.

        Args:
          encoded: the sources.
          outputs: o, [batch, target, decoder units].
          weights: the attention, float32 [batch, target, source].

        Returns:
          Logits, float32 [batch, target, vocabulary]; with copying they are log-probabilities.
        """
        logits = self.logits(outputs)
        if self.pointer is None:
            return logits
        copied = attention_on_vocabulary(weights, encoded.source_ids, self.output_bias.shape[0])
        return self.pointer.mix(outputs, tf.nn.log_softmax(logits), copied)

    def logits(self, outputs: tf.Tensor) -> tf.Tensor:
        """Scores every subword, copying aside: [..., decoder units] -> float32 [...,
        vocabulary]."""
        is_prepared = self.output_kernel is not None
        return product(
            self.W_o(outputs),
            self.output_kernel if is_prepared else self.embeddings,
            self.output_bias,
            transpose=not is_prepared,
            result_type=tf.float32,
        )
