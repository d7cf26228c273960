"""The attention sequence-to-sequence model: embeddings, encoder, decoder, output layer.

    p(y_t | y_<t, x) = softmax(E W_o o_t + b)

Source and target share their subwords, so one embedding matrix E is used for the source, the target
and the output layer (Press and Wolf, 2017). With copying, this distribution is mixed with the
attention weights (`trainer.copying`).
"""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from trainer.continuations import IMPOSSIBLE
from trainer.copying import Pointer, attention_on_vocabulary
from trainer.int8 import Int8Matrix
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
from trainer.recurrent_decoder import RecurrentDecoder
from trainer.recurrent_encoder import RecurrentEncoder
from trainer.self_attention_decoder import SelfAttentionDecoder
from trainer.self_attention_encoder import SelfAttentionEncoder
from trainer.settings import ModelSettings
from trainer.subwords import PAD, START

INITIAL_EMBEDDINGS = 0.2
"""Standard deviation of the scaled embeddings before training. At 1, the embeddings of rare
subwords stay too noisy."""


class Encoded(NamedTuple):
    """A batch of encoded sources, ready for translation."""

    source_ids: tf.Tensor
    """int32 [batch, source]."""
    memory: Any
    """The `Memory` of the decoder's layer that attends, or a tuple with that of each layer."""
    initial_state: tf.Tensor
    """First state of the decoder, [batch, ...]."""
    choice: "Choice | tuple[()]" = ()
    """The subwords to choose from; empty for all of the vocabulary."""


class Others(NamedTuple):
    """A row of the output layer for all subwords without one: their logits as one logit."""

    embedding: tf.Variable
    """[embedding size]."""
    bias: tf.Variable
    """A scalar."""


class Choice(NamedTuple):
    """Some subwords for each source (`trainer.shortlist`): n common ones and m of its own."""

    embeddings: tf.Tensor
    """Rows of E for those of its own, [batch, m, embedding size]."""
    bias: tf.Tensor
    """float32 [batch, n + m]."""
    is_source: tf.Tensor
    """Whether a source position has the subword chosen, float32 [batch, source, n + m]."""


Encoder = RecurrentEncoder | SelfAttentionEncoder
Decoder = RecurrentDecoder | SelfAttentionDecoder


def _make_encoder(
    settings: ModelSettings, rng: np.random.Generator, recurrence: Recurrence
) -> Encoder:
    if settings.encoder == "recurrent":
        return RecurrentEncoder(settings, rng, recurrence)
    return SelfAttentionEncoder(settings, rng)


def _make_decoder(
    settings: ModelSettings, rng: np.random.Generator, encoder: Encoder, recurrence: Recurrence
) -> Decoder:
    if settings.decoder == "recurrent":
        return RecurrentDecoder(
            settings, rng, encoder.output_units, encoder.summary_units, recurrence
        )
    return SelfAttentionDecoder(settings, rng, encoder.output_units)


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
        """Makes all weights, determined by the seed.

        Args:
          settings: sizes, cells, layers and the kind of attention.
          vocabulary_size: size of the joint vocabulary.
          seed: seed of the initial weights.
          compute_type: float32 or bfloat16; weights are always float32.
          recurrence: function to run a layer over a sequence. A model with cuDNN's function can be
            trained but not exported.
        """
        super().__init__()
        rng = np.random.default_rng(seed)
        self._compute_type = compute_type
        width = settings.embedding_size
        deviation = INITIAL_EMBEDDINGS * width**-0.5
        self.embeddings = tf.Variable(
            rng.normal(0.0, deviation, [vocabulary_size, width]).astype(np.float32)
        )
        self.encoder = _make_encoder(settings, rng, recurrence)
        self.decoder = _make_decoder(settings, rng, self.encoder, recurrence)
        is_bounded = settings.decoder == "recurrent"
        self.W_o = Projection(rng, settings.decoder_units, width, bounded=is_bounded)
        self.output_bias = zeros(vocabulary_size)
        # After `prepare_to_serve`: E^T, or E in bfloat16.
        self.output_kernel: tf.Variable | Int8Matrix | None = None
        self.rounded_embeddings: tf.Variable | None = None
        points = settings.copying and settings.attends
        self.pointer = Pointer(rng, settings.decoder_units) if points else None
        # Fitted with a shortlist (`trainer.shortlist`).
        self.others: Others | None = None

    @property
    def members(self) -> list["TranslationModel"]:
        """The models that predict together (`trainer.ensemble`): this one."""
        return [self]

    @property
    def vocabulary_size(self) -> int:
        """Number of subwords."""
        return int(self.output_bias.shape[0])

    @property
    def copies(self) -> bool:
        """Whether it can copy source subwords."""
        return self.pointer is not None

    def prepare_to_serve(self, precision: tf.DType, *, choosing: bool = False) -> None:
        """Makes copies of matrices for the products in an export.

        The output layer gets E^T, because a product of a few dozen rows reads E^T a quarter faster
        than E. A search that chooses from some subwords reads rows of E instead. With bfloat16 all
        matrices are rounded, to serve faster on machines with native bfloat16 products; with int8
        those that all sources share, to serve faster on any x86 processor. Activations stay
        float32. The export also keeps the original weights, for a warm start.

        Args:
          precision: float32, bfloat16 or int8.
          choosing: whether searches get a `Choice`.
        """
        if precision != self.embeddings.dtype:
            for module in self.submodules:
                if isinstance(module, Projection) and module.kernel.shape[1] > 1:
                    module.round(precision)
        if not choosing:
            transposed = tf.transpose(self.embeddings)
            if precision == tf.int8:
                bias = self.output_bias.numpy()
                self.output_kernel = Int8Matrix(transposed.numpy(), bias, bounded=False)
            else:
                self.output_kernel = served_copy(transposed, precision)
        elif precision == tf.bfloat16:
            self.rounded_embeddings = served_copy(self.embeddings, precision)

    def _embed(self, ids: tf.Tensor) -> tf.Tensor:
        """Maps ids [...] to embeddings [..., embedding size].

        They are multiplied by the root of their size, unlike in the output layer (Vaswani et al.,
        2017, section 3.4).
        """
        # After a gather from the variable itself, TensorFlow would copy the variable each time the
        # output layer reads it. So this gathers from a tensor.
        embeddings = tf.convert_to_tensor(self.embeddings)
        scale = embeddings.shape[1] ** 0.5
        return tf.cast(tf.gather(embeddings, ids) * scale, self._compute_type)

    def encode(self, source_ids: tf.Tensor, dropout: Dropout = NO_DROPOUT) -> Encoded:
        """Encodes sources, int [batch, source], each with its end symbol, padded with 0."""
        mask = tf.not_equal(source_ids, PAD)
        embedded = dropout(self._embed(source_ids), DropoutPlace.SOURCE_EMBEDDINGS)
        states, summary = self.encoder(embedded, mask, dropout)
        seen = dropout(summary, DropoutPlace.SUMMARY)
        memory = self.decoder.remember(states, seen, mask)
        ids = tf.cast(source_ids, tf.int32)
        return Encoded(ids, memory, self.decoder.initial_state(summary))

    def self_attention(self, source_ids: tf.Tensor) -> tf.Tensor:
        """Returns where each position of the source looks, in an encoder of self-attention.

        Args:
          source_ids: int [batch, source], each with its end symbol, padded with 0.

        Returns:
          float32 [batch, layers, heads, source, source], bottom layer first; a row is of the
          position that looks, and sums to 1.
        """
        mask = tf.not_equal(source_ids, PAD)
        _, weights = self.encoder.layers_applied(self._embed(source_ids), mask)
        return tf.stack(weights, axis=1)

    def choose_from(
        self, encoded: Encoded, ids: tf.Tensor, common: tf.Tensor
    ) -> tuple[Encoded, tf.Tensor]:
        """Restricts predictions to some subwords for each source; `others` stands for the rest.

        Args:
          encoded: the sources.
          ids: int32 [batch, n + m], distinct and padded with 0; 0 itself comes first, and those of
            the source are among them.
          common: int32 [n], how each row of `ids` begins. In the place of 0 is the row of `others`.

        Returns:
          The sources, and the rows of E for the common subwords, [n, embedding size]: their logits
          are one product for all sources.
        """
        assert self.others is not None, "a shortlist sets it"
        # As in `_embed`: a gather from a tensor.
        rows = tf.convert_to_tensor(self._output_rows)
        first = tf.cast(self.others.embedding, rows.dtype)[None]
        shared = tf.concat([first, tf.gather(rows, common[1:])], axis=0)
        bias = tf.gather(tf.convert_to_tensor(self.output_bias), ids)
        is_first = tf.equal(tf.range(tf.shape(ids)[1]), 0)
        bias = tf.where(tf.equal(ids, PAD), tf.where(is_first, self.others.bias, IMPOSSIBLE), bias)
        is_source = tf.equal(encoded.source_ids[:, :, None], ids[:, None])
        own = tf.gather(rows, ids[:, common.shape[0] :])
        choice = Choice(own, bias, tf.cast(is_source, tf.float32))
        return encoded._replace(choice=choice), shared

    def force(
        self, encoded: Encoded, target_ids: tf.Tensor, dropout: Dropout = NO_DROPOUT
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Processes known targets (teacher forcing).

        Args:
          encoded: the sources.
          target_ids: int [batch, target], each with its end symbol, padded with 0.
          dropout: dropout for training.

        Returns:
          The output vectors o, [batch, target, decoder units], and the attention weights [batch,
          target, source]. Row t is for the prediction of target_ids[:, t].
        """
        previous = tf.pad(target_ids[:, :-1], [[0, 0], [1, 0]], constant_values=START)
        embedded = dropout(self._embed(previous), DropoutPlace.TARGET_EMBEDDINGS)
        mask = tf.not_equal(target_ids, PAD)
        return self.decoder.force(embedded, mask, encoded.initial_state, encoded.memory, dropout)

    def step(
        self,
        encoded: Encoded,
        previous: tf.Tensor,
        state: tf.Tensor,
        common: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Takes one step of a search.

        Args:
          encoded: the sources.
          previous: the last subword of each hypothesis, int [batch, beam].
          state: state of the decoder, [batch, beam, ...].
          common: with a choice, the rows from `choose_from`.

        Returns:
          Log-probabilities, float32 [batch, beam, vocabulary] or [batch, beam, n + m] with a choice
          of so many subwords; the new state; attention weights [batch, beam, source].
        """
        outputs, state, weights = self.decoder.step(self._embed(previous), state, encoded.memory)
        return self.predict(encoded, outputs, weights, common), state, weights

    def predict(
        self,
        encoded: Encoded,
        outputs: tf.Tensor,
        weights: tf.Tensor,
        common: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Predicts the next subword.

        Args:
          encoded: the sources.
          outputs: o, [batch, target, decoder units].
          weights: the attention, float32 [batch, target, source].
          common: with a choice, the rows from `choose_from`.

        Returns:
          Log-probabilities, float32 [batch, target, vocabulary], or [batch, target, n + m] with a
          choice of so many subwords.
        """
        choice = encoded.choice
        if choice:
            queries = tf.cast(self.W_o(outputs), choice.embeddings.dtype)
            own = tf.matmul(queries, choice.embeddings, transpose_b=True)
            logits = tf.concat([product(queries, common, transpose=True), own], axis=2)
            logits = tf.cast(logits, tf.float32) + choice.bias[:, None]
        else:
            logits = self.logits(outputs)
        generated = tf.nn.log_softmax(logits)
        if self.pointer is None:
            return generated
        if choice:
            copied = tf.matmul(weights, choice.is_source)
        else:
            copied = attention_on_vocabulary(weights, encoded.source_ids, self.vocabulary_size)
        return self.pointer.mix(outputs, generated, copied)

    def logits(self, outputs: tf.Tensor) -> tf.Tensor:
        """Scores every subword without copying.

        The shapes are [..., decoder units] -> float32 [..., vocabulary].
        """
        is_prepared = self.output_kernel is not None
        return product(
            self.W_o(outputs),
            self.output_kernel if is_prepared else self._output_rows,
            self.output_bias,
            transpose=not is_prepared,
            result_type=tf.float32,
        )

    @property
    def _output_rows(self) -> tf.Variable:
        """E as the output layer reads it."""
        return self.embeddings if self.rounded_embeddings is None else self.rounded_embeddings
