"""Beam search, as pure functions over any model with a step function.

Each sentence of a batch is searched independently, with its own longest length and its own end. So
the other sentences of the batch never change its translation. Finished sentences leave the batch,
which makes the steps of the others cheaper.

Hypotheses are stored as back-pointers (token and parent of each beam at each step). The finished
ones are chosen and read back once at the end, instead of being sorted and copied at every step.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from trainer.continuations import IMPOSSIBLE, Candidates, best_continuations
from trainer.spelling import Spelling
from trainer.subwords import END, PAD, SPECIAL_SYMBOLS, START

Context = Any
"""A model's encoding of the sources: a tensor [batch, ...], or a structure of such tensors."""

State = Any
"""A model's state: a tensor [batch, beam, ...], or a structure of such tensors."""

StepFunction = Callable[[Context, tf.Tensor, State], tuple[tf.Tensor, State, tf.Tensor]]
"""(context, previous tokens int [batch, beam], state) -> (log-probabilities
[batch, beam, vocabulary], state, attention [batch, beam, source]), for any part of the batch."""

_ROWS = (*range(1, 8), *(eighths << power for power in range(20) for eighths in (8, 10, 12, 14)))
"""Numbers of sentences to go on with, up to some millions.

Removing sentences copies the others, so it waits until there is a smaller number. And a processor's
library prepares the products of each number of rows, keeps them, and so needs memory for each.
"""
LEAST_COVERAGE = 0.01
"""Lower limit of a source position's coverage, to keep the penalty finite without attention."""


class Hypotheses(NamedTuple):
    """The translations found: first the whole ones, then those that ended without a mask of their
    source, then the truncated ones, each best first."""

    ids: tf.Tensor
    """int32 [batch, beam, target], with the end symbol, padded with 0."""
    lengths: tf.Tensor
    """int32 [batch, beam], the end symbol included."""
    scores: tf.Tensor
    """float32 [batch, beam]: log-probability divided by the length penalty, plus the coverage
    penalty. A beam without a hypothesis has the score `IMPOSSIBLE` and length 0."""
    attention: tf.Tensor
    """float32 [batch, beam, target, source], 0 on padding."""
    ended: tf.Tensor
    """bool [batch, beam]: false if the longest length truncated the hypothesis before its end
    symbol."""


def length_penalty(length: tf.Tensor, alpha: float) -> tf.Tensor:
    """Returns ((5 + length) / 6)^alpha, Wu et al. (2016), equation 14."""
    return tf.pow((5.0 + tf.cast(length, tf.float32)) / 6.0, alpha)


def coverage_penalty(coverage: tf.Tensor, to_cover: tf.Tensor, beta: float) -> tf.Tensor:
    """Returns beta sum over i of log min(sum over t of alpha_ti, 1), Wu et al. (2016), equation 14.

    Source words left out of the translation got little attention and lower the score.

    Args:
      coverage: sum of the attention on each source position over all target positions, float32
        [..., source].
      to_cover: true on positions to count, bool, broadcast to the same shape.
      beta: weight of the penalty.

    Returns:
      float32 [...], 0 or less.
    """
    seen = tf.math.log(tf.clip_by_value(coverage, LEAST_COVERAGE, 1.0))
    return beta * tf.reduce_sum(tf.where(to_cover, seen, 0.0), axis=-1)


def beam_search(
    step: StepFunction,
    context: Context,
    initial_state: State,
    max_lengths: tf.Tensor,
    to_cover: tf.Tensor,
    *,
    beam_size: int,
    alpha: float,
    beta: float,
    shortlist: tf.Tensor | None = None,
    spelling: Spelling | None = None,
    owed: tf.Tensor | None = None,
    ordered: tf.Tensor | None = None,
    masks: range = range(0),
) -> Hypotheses:
    """Finds the hypotheses with the highest scores.

    A hypothesis is finished when its end symbol is among the best `beam_size` continuations. A
    sentence is done when `beam_size` hypotheses are finished. With a beam of one this is greedy
    search. A hypothesis without an end symbol at the longest length ranks after all ended ones.

    Args:
      step: step function of the model.
      context: the model's encoding of the sources.
      initial_state: first state of the model, tensors [batch, ...], the same for each beam.
      max_lengths: int32 [batch], at least 1: largest number of tokens in a translation, with the
        end symbol.
      to_cover: bool [batch, source]: source positions for the coverage penalty.
      beam_size: number of hypotheses to keep.
      alpha: exponent of the length penalty.
      beta: weight of the coverage penalty.
      shortlist: the tokens predicted by `step` for each sentence, if they are not the whole
        vocabulary: int32 [batch, count] with `count` of at least twice the beam size, padded with
        0. It begins with the special symbols and `masks`.
      spelling: allows only tokens that spell whole characters; None allows all.
      owed: the masks of each source, as bits of an int32 [batch]; bit 0 is the first of `masks`. A
        hypothesis writes only these, each at most once. It is lost if it ends without one of them.
      ordered: those masks that a hypothesis writes in their order, as bits of an int32 [batch].
      masks: at most 31 tokens that `spelling` does not allow.

    Returns:
      The hypotheses; `target` is the length of the longest one in the batch.
    """
    batch = tf.shape(max_lengths)[0]
    searched = _Searched(
        places=tf.range(batch),
        context=context,
        max_lengths=max_lengths,
        to_cover=to_cover,
        shortlist=() if shortlist is None else shortlist,
        penalties=() if shortlist is None or not spelling else spelling.penalties_of(shortlist),
        tokens=tf.fill([batch, 1], START),
        log_probs=tf.zeros([batch, 1]),
        spelled=tf.zeros([batch, 1], tf.int32),
        owed=tf.zeros([batch, 1], tf.int32) if owed is None else owed[:, None],
        ordered=tf.zeros([batch, 1], tf.int32) if ordered is None else ordered[:, None],
        state=tf.nest.map_structure(lambda each: each[:, None], initial_state),
        coverage=tf.zeros([batch, 1, tf.shape(to_cover)[1]]) if beta else (),
        whole=tf.zeros([batch], tf.int32),
    )
    trace = _new_trace(beam_size)

    def goes_on(time: tf.Tensor, searched: _Searched, _: _Trace) -> tf.Tensor:
        return tf.reduce_any(_is_open(searched, time, beam_size))

    def search_on(time: tf.Tensor, searched: _Searched, trace: _Trace) -> tuple:
        searched = _open_sentences(searched, _is_open(searched, time, beam_size))
        fewer = _fewer_rows(tf.size(searched.places))

        def is_worth_a_step(time: tf.Tensor, searched: _Searched, _: _Trace) -> tf.Tensor:
            return _count(_is_open(searched, time, beam_size)) > fewer

        return _while(is_worth_a_step, advance, (time, searched, trace))

    def advance(time: tf.Tensor, searched: _Searched, trace: _Trace) -> tuple:
        following, state, attention = step(searched.context, searched.tokens, searched.state)
        penalties = _penalties(searched, spelling, masks)
        # Twice the beam size, so the beam can continue even if all the best candidates end.
        candidates = best_continuations(searched.log_probs, following, 2 * beam_size, penalties)
        if shortlist is not None:
            tokens = tf.gather(searched.shortlist, candidates.tokens, batch_dims=1)
            candidates = candidates._replace(tokens=tokens)
        best = Candidates(*(each[:, :beam_size] for each in candidates))
        scores = best.log_probs / length_penalty(time + 1, alpha)
        coverage = searched.coverage
        if beta:
            coverage += attention
            missing = coverage_penalty(coverage, searched.to_cover[:, None], beta)
            scores += tf.gather(missing, best.parents, batch_dims=1)
        is_end = tf.equal(best.tokens, END)
        is_last = (time + 1 >= searched.max_lengths)[:, None]
        is_open = _is_open(searched, time, beam_size)[:, None]
        is_finished = (is_end | is_last) & is_open & (best.log_probs > IMPOSSIBLE / 2)
        ranks = tf.where(is_end, _WHOLE, _TRUNCATED)
        if masks:
            is_owed = tf.gather(searched.owed, best.parents, batch_dims=1) > 0
            ranks += tf.where(is_owed, _LOST, _WHOLE)
        tokens, parents, log_probs = _keep_alive(candidates)

        def of_parents(values: tf.Tensor) -> tf.Tensor:
            return values if beam_size == 1 else tf.gather(values, parents, batch_dims=1)

        spelled = of_parents(searched.spelled)
        owed = of_parents(searched.owed)
        trace = trace.after(
            time,
            _Step(
                places=searched.places,
                tokens=tokens,
                parents=parents,
                attention=attention,
                scores=tf.where(is_finished, scores, -float("inf")),
                last_tokens=best.tokens,
                last_parents=best.parents,
                ranks=ranks,
            ),
        )
        searched = searched._replace(
            places=searched.places + batch,
            tokens=tokens,
            log_probs=log_probs,
            spelled=spelled if spelling is None else spelling.after(spelled, tokens),
            owed=owed & ~_bits(tokens, masks) if masks else owed,
            state=tf.nest.map_structure(of_parents, state),
            coverage=of_parents(coverage) if beta else (),
            whole=searched.whole + _count(is_finished & tf.equal(ranks, _WHOLE), axis=1),
        )
        return time + 1, searched, trace

    time, searched, trace = advance(0, searched, trace)
    time, _, trace = _while(goes_on, search_on, (time, searched, trace))
    return _read_back(trace, time, batch, beam_size)


_WHOLE, _LOST, _TRUNCATED = 0, 1, 2
"""Ranks of finished hypotheses: with an end symbol, without a mask of the source, with no end
symbol. A truncated one that is lost too has the sum as its rank."""
_UNFINISHED = 4


class _Searched(NamedTuple):
    """The sentences still in the search, and their hypotheses; a row for each sentence."""

    places: tf.Tensor  # time * batch + index in the batch, int32 [rows]
    context: Context
    max_lengths: tf.Tensor
    to_cover: tf.Tensor
    shortlist: tf.Tensor | tuple[()]  # tokens to predict, int32 [rows, count]
    penalties: tf.Tensor | tuple[()]  # those of `Spelling` for them, [rows, states, count]
    tokens: tf.Tensor  # the last token of each unfinished hypothesis, int32 [rows, beam]
    log_probs: tf.Tensor  # [rows, beam]
    spelled: tf.Tensor  # states of `Spelling`, int32 [rows, beam]
    owed: tf.Tensor  # bits of the masks that are not written yet, int32 [rows, beam]
    ordered: tf.Tensor  # bits of the masks with an order, int32 [rows, 1]
    state: State  # tensors [rows, beam, ...]
    coverage: tf.Tensor | tuple[()]  # attention so far, [rows, beam, source], if it is scored
    whole: tf.Tensor  # number of whole hypotheses so far, int32 [rows]


class _Step(NamedTuple):
    """The record of a step for the sentences in the search, or of all steps."""

    places: Any  # as in `_Searched`
    tokens: Any  # the last token of each unfinished hypothesis, int32 [rows, beam]
    parents: Any  # the hypothesis that each continues
    attention: Any  # of the hypotheses before this step, [rows, beam, source]
    scores: Any  # of the best continuations that finish a hypothesis, [rows, beam]; else -inf
    last_tokens: Any  # the token of each of the best continuations
    last_parents: Any  # the hypothesis that each continues
    ranks: Any  # the rank of each, were it finished


class _Trace(_Step):
    """The record of all steps; each field is a tf.TensorArray."""

    def after(self, time: tf.Tensor, step: _Step) -> "_Trace":
        """Returns the trace with one more step."""
        return _Trace(
            *(of_all.write(time, of_one) for of_all, of_one in zip(self, step, strict=True))
        )


def _new_trace(beam_size: int) -> _Trace:
    def array(dtype: tf.DType, *shape: int | None) -> tf.TensorArray:
        return tf.TensorArray(
            dtype, 0, dynamic_size=True, infer_shape=False, element_shape=[None, *shape]
        )

    return _Trace(
        places=array(tf.int32),
        tokens=array(tf.int32, beam_size),
        parents=array(tf.int32, beam_size),
        attention=array(tf.float32, None, None),
        scores=array(tf.float32, beam_size),
        last_tokens=array(tf.int32, beam_size),
        last_parents=array(tf.int32, beam_size),
        ranks=array(tf.int32, beam_size),
    )


def _while(condition: Callable[..., tf.Tensor], body: Callable[..., tuple], start: tuple) -> tuple:
    """Runs a loop in which tensors may lose rows."""

    def shape_of(variable: object) -> tf.TensorShape:
        if isinstance(variable, tf.TensorArray):
            return tf.TensorShape(None)
        shape = tf.convert_to_tensor(variable).shape
        return tf.TensorShape([None, *shape[1:]]) if shape.rank else shape

    return tf.while_loop(condition, body, start, tf.nest.map_structure(shape_of, start))


def _is_open(searched: _Searched, time: tf.Tensor, beam_size: int) -> tf.Tensor:
    """Returns whether each sentence in the search is not done, bool [rows].

    A sentence is done when it has as many whole hypotheses as beams.
    """
    return (time < searched.max_lengths) & (searched.whole < beam_size)


def _count(is_one: tf.Tensor, axis: int | None = None) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(is_one, tf.int32), axis)


def _open_sentences(searched: _Searched, is_open: tf.Tensor) -> _Searched:
    """Removes finished sentences from the search, down to one of `_ROWS`."""
    rows = tf.gather(_ROWS, tf.searchsorted(_ROWS, _count(is_open)[None]))
    finished_last = tf.argsort(tf.cast(~is_open, tf.int32), stable=True)
    left = tf.sort(finished_last[: rows[0]])
    return tf.nest.map_structure(lambda tensor: tf.gather(tensor, left), searched)


def _fewer_rows(rows: tf.Tensor) -> tf.Tensor:
    """Returns the largest of `_ROWS` that is smaller, or 0."""
    place = tf.searchsorted(_ROWS, rows[None])[0]
    return tf.gather([0, *_ROWS], place)


def _penalties(searched: _Searched, spelling: Spelling | None, masks: range) -> tf.Tensor | None:
    """Returns penalties for the next token, [rows, beam, tokens to predict]."""
    if spelling is None:
        return None
    if isinstance(searched.penalties, tuple):
        penalties, first = spelling.penalties(searched.spelled), masks.start
    else:
        penalties = tf.gather(searched.penalties, searched.spelled, batch_dims=1)
        first = len(SPECIAL_SYMBOLS)
    if not masks:
        return penalties
    return _with_masks(penalties, searched.owed, searched.ordered, range(first, first + len(masks)))


def _bits(tokens: tf.Tensor, masks: range) -> tf.Tensor:
    """Returns the bit of each mask, and 0 for other tokens, int32 of the same shape."""
    bits = tf.constant([*(1 << number for number in range(len(masks))), 0])
    is_mask = (tokens >= masks.start) & (tokens < masks.stop)
    return tf.gather(bits, tf.where(is_mask, tokens - masks.start, len(masks)))


def _with_masks(
    penalties: tf.Tensor, owed: tf.Tensor, ordered: tf.Tensor, masks: range
) -> tf.Tensor:
    """Allows hypotheses the masks that they owe, and of the ordered ones only the next.

    Args:
      penalties: float32 [rows, beam, tokens to predict], where no mask is allowed.
      owed: bits of masks, int32 [rows, beam].
      ordered: bits of masks, int32 [rows, 1].
      masks: the places of the masks.
    """

    def with_own() -> tf.Tensor:
        bits = tf.constant([1 << number for number in range(len(masks))])
        in_order = owed & ordered
        possible = (owed & ~ordered) | (in_order & -in_order)  # the lowest bit
        own = tf.where(tf.equal(possible[:, :, None] & bits, 0), IMPOSSIBLE, 0.0)
        before, after = penalties[:, :, : masks.start], penalties[:, :, masks.stop :]
        return tf.concat([before, own, after], axis=2)

    # The copy is as large as the logits, and few batches have masks.
    return tf.cond(tf.reduce_any(owed > 0), with_own, lambda: penalties)


def _keep_alive(candidates: Candidates) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Chooses the best continuations without an end symbol.

    Returns:
      Tokens, parents and log-probabilities, [batch, beam] each.
    """
    beam_size = candidates.tokens.shape[1] // 2
    log_probs = tf.where(tf.equal(candidates.tokens, END), 2 * IMPOSSIBLE, candidates.log_probs)
    log_probs, best = tf.math.top_k(log_probs, beam_size)
    log_probs = tf.maximum(log_probs, IMPOSSIBLE)
    return (
        tf.gather(candidates.tokens, best, batch_dims=1),
        tf.gather(candidates.parents, best, batch_dims=1),
        log_probs,
    )


def _read_back(trace: _Trace, steps: tf.Tensor, batch: tf.Tensor, beam_size: int) -> Hypotheses:
    """Chooses the best finished hypotheses, and reads each from its last token to its first."""
    places = trace.places.concat()[:, None]

    def of_sentences(recorded: tf.TensorArray, missing: float) -> tf.Tensor:
        """Returns what was recorded of each sentence, [batch, steps * beam]."""
        values = recorded.concat()
        table = tf.fill([steps * batch, beam_size], tf.cast(missing, values.dtype))
        table = tf.tensor_scatter_nd_update(table, places, values)
        table = tf.transpose(tf.reshape(table, [steps, batch, beam_size]), [1, 0, 2])
        return tf.reshape(table, [batch, steps * beam_size])

    scores = of_sentences(trace.scores, -float("inf"))
    ranks = tf.where(tf.math.is_finite(scores), of_sentences(trace.ranks, 0), _UNFINISHED)
    by_score = tf.argsort(scores, direction="DESCENDING", stable=True)
    by_rank = tf.argsort(tf.gather(ranks, by_score, batch_dims=1), stable=True)[:, :beam_size]
    best = tf.gather(by_score, by_rank, batch_dims=1)
    scores, ranks = (tf.gather(each, best, batch_dims=1) for each in (scores, ranks))
    last_tokens, last_parents = (
        tf.gather(of_sentences(each, 0), best, batch_dims=1)
        for each in (trace.last_tokens, trace.last_parents)
    )
    is_found = tf.math.is_finite(scores)
    lengths = tf.where(is_found, best // beam_size + 1, 0)
    ids = tf.TensorArray(tf.int32, steps)
    attention = tf.TensorArray(tf.float32, steps)

    def step_back(
        time: tf.Tensor, beam: tf.Tensor, ids: tf.TensorArray, attention: tf.TensorArray
    ) -> tuple:
        searched = trace.places.read(time) - time * batch
        row = tf.tensor_scatter_nd_update(
            tf.zeros([batch], tf.int32), searched[:, None], tf.range(tf.size(searched))
        )

        def at_beam(recorded: tf.TensorArray) -> tf.Tensor:
            return tf.gather(tf.gather(recorded.read(time), row), beam, batch_dims=1)

        is_last = tf.equal(time + 1, lengths)
        is_inside = time < lengths
        token = tf.where(is_last, last_tokens, at_beam(trace.tokens))
        beam = tf.where(is_last, last_parents, at_beam(trace.parents))
        weights = at_beam(trace.attention)
        ids = ids.write(time, tf.where(is_inside, token, PAD))
        attention = attention.write(time, tf.where(is_inside[:, :, None], weights, 0.0))
        return time - 1, beam, ids, attention

    _, _, ids, attention = tf.while_loop(
        lambda time, *_: time >= 0,
        step_back,
        (steps - 1, tf.zeros_like(last_parents), ids, attention),
    )
    return Hypotheses(
        ids=tf.transpose(ids.stack(), [1, 2, 0]),
        lengths=lengths,
        scores=tf.where(is_found, scores, IMPOSSIBLE),
        attention=tf.transpose(attention.stack(), [1, 2, 0, 3]),
        ended=is_found & tf.equal(last_tokens, END),
    )
