"""Several models as one: a search reads the mean of their distributions.

    p(y_t | y_<t, x) = 1/N sum_n p_n(y_t | y_<t, x)

The models have one vocabulary and one shape. They differ in what is random about a training: the
first weights, the order of the batches, the dropout. Their errors differ, too, and the mean has
fewer of them (Sutskever et al., 2014, section 3.6). The attention is the mean of theirs.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from trainer.model import Encoded, TranslationModel


class AnyModel(Protocol):
    """What a search asks of a `TranslationModel` or an `Ensemble`, which describe it."""

    @property
    def members(self) -> list[TranslationModel]:
        """The models that predict together."""

    @property
    def vocabulary_size(self) -> int:
        """Number of subwords."""

    @property
    def copies(self) -> bool:
        """Whether it can copy source subwords."""

    def prepare_to_serve(self, precision: tf.DType, *, choosing: bool = False) -> None:
        """Makes copies of matrices for the products in an export."""

    def encode(self, source_ids: tf.Tensor) -> Any:
        """Encodes sources."""

    def choose_from(self, encoded: Any, ids: tf.Tensor, common: tf.Tensor) -> tuple[Any, Any]:
        """Restricts predictions to some subwords for each source."""

    def force(self, encoded: Any, target_ids: tf.Tensor) -> tuple[Any, tf.Tensor]:
        """Processes known targets."""

    def predict(
        self, encoded: Any, outputs: Any, weights: tf.Tensor, common: Any = None
    ) -> tf.Tensor:
        """Predicts the next subword."""

    def step(
        self, encoded: Any, previous: tf.Tensor, state: Any, common: Any = None
    ) -> tuple[tf.Tensor, Any, tf.Tensor]:
        """Takes one step of a search."""


class EncodedByAll(NamedTuple):
    """A batch of sources, encoded by each member."""

    members: tuple[Encoded, ...]

    @property
    def initial_state(self) -> tuple[tf.Tensor, ...]:
        """First state of each member's decoder, [batch, ...]."""
        return tuple(encoded.initial_state for encoded in self.members)


class Ensemble(tf.Module):
    """Trained models that translate together; takes the place of one in a search."""

    def __init__(self, members: Sequence[TranslationModel]):
        """Puts the models together; they keep their weights."""
        super().__init__()
        self.members = list(members)

    @property
    def vocabulary_size(self) -> int:
        """Number of subwords."""
        return self.members[0].vocabulary_size

    @property
    def copies(self) -> bool:
        """Whether it can copy source subwords."""
        return self.members[0].copies

    def prepare_to_serve(self, precision: tf.DType, *, choosing: bool = False) -> None:
        """As `TranslationModel.prepare_to_serve`."""
        for member in self.members:
            member.prepare_to_serve(precision, choosing=choosing)

    def encode(self, source_ids: tf.Tensor) -> EncodedByAll:
        """Encodes sources, int [batch, source], each with its end symbol, padded with 0."""
        return EncodedByAll(tuple(member.encode(source_ids) for member in self.members))

    def choose_from(
        self, encoded: EncodedByAll, ids: tf.Tensor, common: tf.Tensor
    ) -> tuple[EncodedByAll, tuple[tf.Tensor, ...]]:
        """As `TranslationModel.choose_from`, with rows of each member."""
        chosen = [
            member.choose_from(by_member, ids, common)
            for member, by_member in zip(self.members, encoded.members, strict=True)
        ]
        by_members, rows = zip(*chosen, strict=True)
        return EncodedByAll(by_members), rows

    def force(
        self, encoded: EncodedByAll, target_ids: tf.Tensor
    ) -> tuple[tuple[tuple[tf.Tensor, tf.Tensor], ...], tf.Tensor]:
        """Processes known targets (teacher forcing).

        Args:
          encoded: the sources.
          target_ids: int [batch, target], each with its end symbol, padded with 0.

        Returns:
          The output vectors and the attention of each member, for `predict`; and the mean
          attention, [batch, target, source].
        """
        forced = tuple(
            member.force(by_member, target_ids)
            for member, by_member in zip(self.members, encoded.members, strict=True)
        )
        return forced, _mean([weights for _, weights in forced])

    def predict(
        self,
        encoded: EncodedByAll,
        outputs: tuple[tuple[tf.Tensor, tf.Tensor], ...],
        weights: tf.Tensor,
        common: tuple[tf.Tensor, ...] | None = None,
    ) -> tf.Tensor:
        """Predicts the next subword from what `force` returned, as `TranslationModel.predict`."""
        del weights  # each member copies by its own
        return _mean_log_probs(
            [
                member.predict(by_member, *of_member, rows)
                for member, by_member, of_member, rows in zip(
                    self.members, encoded.members, outputs, self._rows(common), strict=True
                )
            ]
        )

    def step(
        self,
        encoded: EncodedByAll,
        previous: tf.Tensor,
        state: tuple[tf.Tensor, ...],
        common: tuple[tf.Tensor, ...] | None = None,
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...], tf.Tensor]:
        """Takes one step of a search, as `TranslationModel.step`, with a state of each member."""
        steps = [
            member.step(by_member, previous, of_member, rows)
            for member, by_member, of_member, rows in zip(
                self.members, encoded.members, state, self._rows(common), strict=True
            )
        ]
        log_probs, states, weights = zip(*steps, strict=True)
        return _mean_log_probs(log_probs), states, _mean(weights)

    def _rows(self, common: tuple[tf.Tensor, ...] | None) -> Sequence[tf.Tensor | None]:
        return [None] * len(self.members) if common is None else common


def _mean(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    return tf.add_n(tensors) / len(tensors)


def _mean_log_probs(log_probs: Sequence[tf.Tensor]) -> tf.Tensor:
    """Returns the logarithm of the mean of distributions, given as logarithms."""
    return tf.reduce_logsumexp(tf.stack(log_probs), axis=0) - math.log(len(log_probs))
