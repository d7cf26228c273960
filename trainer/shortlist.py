"""A shortlist of target subwords for each source, so that a search scores hundreds, not thousands.

Most subwords cannot be part of the translation of a given source. The shortlist of a source has

- the subwords of the source itself, to be copied,
- for each of them the target subwords which attended most to it in the training split,
- the most frequent target subwords, the masks and the bytes within characters.

In Jean et al. (2015, section 3.3) the lists come from a word aligner, here from the attention of
the trained model. There the search normalises over the list alone. All log-probabilities then rise,
those of uncertain steps most, and the search prefers other translations. Here one more row of the
output layer stands for all other subwords. It is fitted by least squares to

    log sum over the others of exp(logit) = v^T W_o o_t + b

Log-probabilities over the list alone were 0.63 too high on the descriptions (standard deviation
0.80), with this row 0.03 too low (0.15). `benchmarks/RESULTS.md` has more figures.
"""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from trainer.batching import Pairs, cut_by_tokens
from trainer.ensemble import AnyModel
from trainer.model import Others, TranslationModel
from trainer.subwords import END, FIRST_BYTE, MASK_IDS, PAD, has_masks

FREQUENT = 200
"""Number of the most frequent target subwords in every shortlist."""
FEWEST_SUBWORDS = 2000
"""A smaller vocabulary is searched whole."""
_FEWEST_PAIRS, _MOST_PAIRS = 20_000, 100_000
"""A tenth of the training split is counted, within these bounds."""
_FITTED_PAIRS = 1000
"""To fit the row for all other subwords; `_RIDGE` keeps the equations solvable."""
_WIDTHS = 64
"""Lists are padded to a multiple of this: oneDNN prepares a product anew for each new width."""
_RIDGE = 0.1
_TOKENS_PER_BATCH = 4000
_LEAST_WEIGHT = 0.1
"""Smaller attention weights are not counted."""
_BYTES_WITHIN_CHARACTERS = range(FIRST_BYTE + 0x80, FIRST_BYTE + 0xC0)


class Shortlist(tf.Module):
    """The target subwords to expect for each source subword."""

    def __init__(self, expected: np.ndarray, common: np.ndarray):
        """Makes the tables.

        Args:
          expected: of each source subword, int32 [vocabulary, count], padded with 0.
          common: those of all sources, int32 [count]; first the special symbols and the masks.
        """
        super().__init__()
        self._expected = tf.Variable(expected, trainable=False)
        self.common = tf.Variable(common, trainable=False)
        """How each list begins."""

    def __call__(self, source_ids: tf.Tensor, added: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the shortlists of sources.

        They begin with the special symbols and the masks, so these have the same place in all.

        Args:
          source_ids: int [batch, source], padded with 0.
          added: further subwords of the lists, int [batch, count], padded with 0.

        Returns:
          int32 [batch, count], distinct, padded with 0.
        """
        source_ids = tf.cast(source_ids, tf.int32)
        batch, vocabulary = tf.shape(source_ids)[0], self._expected.shape[0]
        expected = tf.gather(tf.convert_to_tensor(self._expected), source_ids)
        found = tf.concat([source_ids, tf.reshape(expected, [batch, -1])], axis=1)
        if added is not None:
            found = tf.concat([found, tf.cast(added, tf.int32)], axis=1)
        is_common = tf.scatter_nd(self.common[:, None], tf.ones_like(self.common), [vocabulary])
        # Sorted to the end: `vocabulary` is no subword.
        found = tf.sort(tf.where(tf.gather(is_common, found) > 0, vocabulary, found))
        is_repeated = tf.equal(found[:, 1:], found[:, :-1])
        found = tf.concat([found[:, :1], tf.where(is_repeated, vocabulary, found[:, 1:])], axis=1)
        found = tf.sort(found)
        is_subword = found < vocabulary
        common = self.common.shape[0]
        longest = common + tf.reduce_max(tf.reduce_sum(tf.cast(is_subword, tf.int32), axis=1))
        width = (longest + _WIDTHS - 1) // _WIDTHS * _WIDTHS - common
        found = tf.pad(tf.where(is_subword, found, PAD), [[0, 0], [0, _WIDTHS]])[:, :width]
        return tf.concat([tf.repeat(self.common[None], batch, axis=0), found], axis=1)


def learn_shortlist(
    model: AnyModel,
    train: Pairs,
    vocabulary: list[str],
    size: int,
    seed: int,
) -> Shortlist | None:
    """Learns which target subwords attend to each source subword.

    Args:
      model: the trained model, or several; each gets its own row for all other subwords.
      train: the training split, of which random pairs are read.
      vocabulary: the subwords.
      size: number of target subwords for each source subword; 0 for no shortlist.
      seed: of the random pairs.

    Returns:
      The shortlist; None if the whole vocabulary is to be searched.
    """
    if not size or len(vocabulary) < FEWEST_SUBWORDS:
        return None
    masks = MASK_IDS if has_masks(vocabulary) else range(0)
    counts = np.zeros(len(vocabulary), np.int64)
    pairs, weights = [], []
    for keys, sums, targets in _attended(model, train, len(vocabulary), seed):
        counts += np.bincount(targets, minlength=len(vocabulary))
        pairs.append(keys)
        weights.append(sums)
    keys, sums = _summed(np.concatenate(pairs), np.concatenate(weights))
    always = [*range(END + 1), *masks, *_BYTES_WITHIN_CHARACTERS]
    counts[always] = 0
    frequent = np.argsort(-counts, kind="stable")[:FREQUENT]
    shortlist = Shortlist(
        _best_of_each(keys, sums, len(vocabulary), size),
        np.concatenate([always, np.sort(frequent[counts[frequent] > 0])]).astype(np.int32),
    )
    for member in model.members:
        member.others = _fit_others(shortlist, member, train, seed)
    return shortlist


def _attended(
    model: AnyModel, train: Pairs, vocabulary_size: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yields for each batch of the training split what attended to what.

    A pair of subwords is one number, `source * vocabulary_size + target`.

    Yields:
      The distinct pairs, int64; the sum of the attention of each, float32; all target ids.
    """

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None], tf.int32)] * 2)
    def attention(source_ids: tf.Tensor, target_ids: tf.Tensor) -> tf.Tensor:
        return model.force(model.encode(source_ids), target_ids)[1]

    pairs = min(max(len(train.source) // 10, _FEWEST_PAIRS), _MOST_PAIRS)
    for source_ids, target_ids in _batches(train, pairs, _TOKENS_PER_BATCH, seed):
        weights = attention(source_ids, target_ids).numpy()
        is_real = (target_ids != PAD)[:, :, None] & (weights >= _LEAST_WEIGHT)
        row, target, source = np.nonzero(is_real)
        keys = source_ids[row, source].astype(np.int64) * vocabulary_size
        keys += target_ids[row, target]
        yield *_summed(keys, weights[row, target, source]), target_ids[target_ids != PAD]


def _fit_others(shortlist: Shortlist, model: TranslationModel, train: Pairs, seed: int) -> Others:
    """Fits the row for all subwords outside a shortlist, by least squares."""

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None], tf.int32)] * 2)
    def queries_and_others(source_ids: tf.Tensor, target_ids: tf.Tensor) -> tuple:
        outputs, _ = model.force(model.encode(source_ids), target_ids)
        chosen = shortlist(source_ids)
        logits = model.logits(outputs)
        rows = tf.range(tf.shape(chosen)[0])[:, None]
        places = tf.stack([tf.broadcast_to(rows, tf.shape(chosen)), chosen], axis=-1)
        outside = tf.tensor_scatter_nd_update(
            tf.zeros([tf.shape(chosen)[0], logits.shape[2]]),
            places,
            tf.fill(tf.shape(chosen), -float("inf")),
        )
        others = tf.reduce_logsumexp(logits + outside[:, None], axis=-1)
        is_real = tf.not_equal(target_ids, PAD)
        queries = tf.pad(model.W_o(outputs), [[0, 0], [0, 0], [0, 1]], constant_values=1.0)
        return tf.boolean_mask(queries, is_real), tf.boolean_mask(others, is_real)

    width = model.embeddings.shape[1] + 1
    squares, products = _RIDGE * np.eye(width), np.zeros(width)
    for source_ids, target_ids in _batches(train, _FITTED_PAIRS, _TOKENS_PER_BATCH // 4, seed):
        queries, others = (
            each.numpy().astype(np.float64) for each in queries_and_others(source_ids, target_ids)
        )
        squares += queries.T @ queries
        products += queries.T @ others
    fitted = np.linalg.solve(squares, products)
    return Others(
        *(
            tf.Variable(each.astype(np.float32), trainable=False)
            for each in (fitted[:-1], fitted[-1])
        )
    )


def _batches(
    train: Pairs, pairs: int, tokens: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields source and target ids of random pairs, [rows, longest] each, of similar length."""
    lengths = np.maximum(train.source.lengths, train.target.lengths) + 1
    chosen = np.random.default_rng(seed).permutation(len(lengths))[:pairs]
    chosen = chosen[lengths[chosen] <= _TOKENS_PER_BATCH // 8]
    chosen = chosen[np.argsort(lengths[chosen], kind="stable")]
    for batch in cut_by_tokens(lengths, chosen, tokens):
        yield train.source.padded(batch), train.target.padded(batch)


def _summed(keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the distinct keys, sorted, and the sum of the values of each."""
    distinct, place = np.unique(keys, return_inverse=True)
    return distinct, np.bincount(place, values, len(distinct)).astype(np.float32)


def _best_of_each(
    keys: np.ndarray, sums: np.ndarray, vocabulary_size: int, size: int
) -> np.ndarray:
    """Returns the target subwords with the largest sums of each source subword.

    Returns:
      int32 [vocabulary, size], padded with 0.
    """
    sources, targets = np.divmod(keys, vocabulary_size)
    order = np.lexsort((targets, -sums, sources))
    sources, targets = sources[order], targets[order]
    starts = np.searchsorted(sources, sources)  # where each source's own begin
    rank = np.arange(len(sources)) - starts
    table = np.full((vocabulary_size, size), PAD, np.int32)
    is_kept = rank < size
    table[sources[is_kept], rank[is_kept]] = targets[is_kept]
    return table
