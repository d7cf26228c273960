"""Beam search, as pure functions over any model with a step function.

Each sentence of a batch is searched independently, with its own longest length and its own end. So
the other sentences of the batch never change its translation. Finished sentences leave the batch,
which makes the steps of the others cheaper.

Hypotheses are stored as back-pointers (token and parent of each beam at each step). The attention
of the final hypotheses is gathered once at the end instead of being copied at every step.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from trainer.continuations import IMPOSSIBLE, Candidates, best_continuations
from trainer.spelling import Spelling
from trainer.subwords import END, PAD, SPECIAL_SYMBOLS, START

Context = Any
"""A model's encoding of the sources: a tensor [batch, ...], or a structure of such tensors."""

StepFunction = Callable[[Context, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]
"""(context, previous tokens int [batch, beam], state [batch, beam, ...]) -> (log-probabilities
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
    initial_state: tf.Tensor,
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
      initial_state: first state of the model, [batch, ...], the same for each beam.
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
    nothing = tf.zeros([batch, beam_size], tf.int32)
    finished = _Finished(
        tf.fill([batch, beam_size], -float("inf")), nothing, nothing, nothing, nothing > 0
    )
    searched = _Searched(
        sentences=tf.range(batch),
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
        state=initial_state[:, None],
        coverage=tf.zeros([batch, 1, tf.shape(to_cover)[1]]),
        finished=finished,
    )
    trace = _Trace(
        *(
            tf.TensorArray(kind, 0, dynamic_size=True, infer_shape=False, element_shape=shape)
            for kind, shape in _TRACE_TYPES
        )
    )

    def goes_on(time: tf.Tensor, searched: _Searched, *_: object) -> tf.Tensor:
        return tf.reduce_any(_is_open(searched, time))

    def search_on(
        time: tf.Tensor, searched: _Searched, finished: _Finished, trace: _Trace
    ) -> tuple:
        finished = _put_back(searched, finished)
        searched = _open_sentences(searched, time)
        fewer = _fewer_rows(tf.size(searched.sentences))

        def is_worth_a_step(time: tf.Tensor, searched: _Searched, *_: object) -> tf.Tensor:
            return _count_open(searched, time) > fewer

        time, searched, trace = _while(is_worth_a_step, advance, (time, searched, trace))
        return time, searched, finished, trace

    def advance(time: tf.Tensor, searched: _Searched, trace: _Trace) -> tuple:
        following, state, attention = step(searched.context, searched.tokens, searched.state)
        penalties = _penalties(searched, spelling, masks)
        # Twice the beam size, so the beam can continue even if all the best candidates end.
        candidates = best_continuations(searched.log_probs, following, 2 * beam_size, penalties)
        if shortlist is not None:
            tokens = tf.gather(searched.shortlist, candidates.tokens, batch_dims=1)
            candidates = candidates._replace(tokens=tokens)
        owed = tf.gather(searched.owed, candidates.parents, batch_dims=1)
        coverage = searched.coverage + attention
        missing = coverage_penalty(coverage, searched.to_cover[:, None], beta)
        scores = candidates.log_probs / length_penalty(time + 1, alpha)
        scores += tf.gather(missing, candidates.parents, batch_dims=1)
        is_last = (time + 1 >= searched.max_lengths)[:, None]
        tokens, parents, log_probs = _keep_alive(candidates)
        spelled = tf.gather(searched.spelled, parents, batch_dims=1)
        still_owed = tf.gather(searched.owed, parents, batch_dims=1)
        trace = _Trace(
            trace.sentences.write(time, searched.sentences),
            trace.tokens.write(time, tokens),
            trace.parents.write(time, parents),
            trace.attention.write(time, attention),
        )
        searched = searched._replace(
            tokens=tokens,
            log_probs=log_probs,
            spelled=spelled if spelling is None else spelling.after(spelled, tokens),
            owed=still_owed & ~_bits(tokens, masks) if masks else still_owed,
            state=tf.gather(state, parents, batch_dims=1),
            coverage=tf.gather(coverage, parents, batch_dims=1),
            finished=_finish(searched.finished, candidates, scores, owed > 0, time, is_last),
        )
        return time + 1, searched, trace

    time, searched, trace = advance(0, searched, trace)
    time, searched, finished, trace = _while(goes_on, search_on, (time, searched, finished, trace))
    finished = _put_back(searched, finished)
    ids, attention = _follow_back(finished, trace, time)
    is_found = tf.math.is_finite(finished.scores)
    lengths = tf.where(is_found, finished.times + 1, 0)
    scores = tf.where(is_found, finished.scores, IMPOSSIBLE)
    return Hypotheses(ids, lengths, scores, attention, _is_ended(finished))


class _Finished(NamedTuple):
    """Finished hypotheses, best first; each [batch, beam]."""

    scores: tf.Tensor  # scores as in `Hypotheses`; -inf if there is no hypothesis
    times: tf.Tensor  # the step of the last token
    parents: tf.Tensor  # the beam continued by the last token
    tokens: tf.Tensor  # the last token
    lost: tf.Tensor  # whether it ended without a mask of its source


class _Searched(NamedTuple):
    """The sentences still in the search, and their hypotheses; a row for each sentence."""

    sentences: tf.Tensor  # indices in the batch, int32 [rows]
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
    state: tf.Tensor  # [rows, beam, ...]
    coverage: tf.Tensor  # attention so far, [rows, beam, source]
    finished: _Finished


class _Trace(NamedTuple):
    """The record of each step for the sentences in the search."""

    sentences: tf.TensorArray
    tokens: tf.TensorArray
    parents: tf.TensorArray
    attention: tf.TensorArray


_TRACE_TYPES = (
    (tf.int32, [None]),
    (tf.int32, [None, None]),
    (tf.int32, [None, None]),
    (tf.float32, [None, None, None]),
)


def _while(condition: Callable[..., tf.Tensor], body: Callable[..., tuple], start: tuple) -> tuple:
    """Runs a loop in which tensors may lose rows."""

    def shape_of(variable: object) -> tf.TensorShape:
        if isinstance(variable, tf.TensorArray):
            return tf.TensorShape(None)
        shape = tf.convert_to_tensor(variable).shape
        return tf.TensorShape([None, *shape[1:]]) if shape.rank else shape

    return tf.while_loop(condition, body, start, tf.nest.map_structure(shape_of, start))


def _is_open(searched: _Searched, time: tf.Tensor) -> tf.Tensor:
    """Returns whether each sentence in the search is not done, bool [rows]."""
    return (time < searched.max_lengths) & ~_is_done(searched.finished)


def _count_open(searched: _Searched, time: tf.Tensor) -> tf.Tensor:
    return tf.math.count_nonzero(_is_open(searched, time), dtype=tf.int32)


def _open_sentences(searched: _Searched, time: tf.Tensor) -> _Searched:
    """Removes finished sentences from the search, down to one of `_ROWS`."""
    rows = tf.gather(_ROWS, tf.searchsorted(_ROWS, _count_open(searched, time)[None]))
    finished_last = tf.argsort(tf.cast(~_is_open(searched, time), tf.int32), stable=True)
    left = tf.sort(finished_last[: rows[0]])
    return tf.nest.map_structure(lambda tensor: tf.gather(tensor, left), searched)


def _fewer_rows(rows: tf.Tensor) -> tf.Tensor:
    """Returns the largest of `_ROWS` that is smaller, or 0."""
    place = tf.searchsorted(_ROWS, rows[None])[0]
    return tf.gather([0, *_ROWS], place)


def _put_back(searched: _Searched, finished: _Finished) -> _Finished:
    """Copies the finished hypotheses of the sentences in the search to their rows of the batch."""
    places = searched.sentences[:, None]
    return _Finished(
        *(
            tf.tensor_scatter_nd_update(of_all, places, of_these)
            for of_all, of_these in zip(finished, searched.finished, strict=True)
        )
    )


def _is_done(finished: _Finished) -> tf.Tensor:
    """Returns whether a sentence has as many whole hypotheses as beams, bool [batch]."""
    return tf.math.is_finite(finished.scores[:, -1]) & ~finished.lost[:, -1]


def _is_ended(finished: _Finished) -> tf.Tensor:
    """Returns whether a hypothesis was found and has its end symbol, bool [batch, beam]."""
    return tf.math.is_finite(finished.scores) & tf.equal(finished.tokens, END)


def _finish(
    finished: _Finished,
    candidates: Candidates,
    scores: tf.Tensor,
    lost: tf.Tensor,
    time: tf.Tensor,
    is_last: tf.Tensor,
) -> _Finished:
    """Adds the candidates ending here to the finished hypotheses and keeps the best.

    Whole ones come before lost ones, and these before truncated ones. A sentence already done does
    not change.
    """
    beam_size = finished.scores.shape[1]
    is_end = tf.equal(candidates.tokens, END)
    is_in_beam = tf.range(2 * beam_size) < beam_size
    is_new = (
        is_in_beam
        & (is_end | is_last)
        & (candidates.log_probs > IMPOSSIBLE / 2)
        & ~_is_done(finished)[:, None]
    )
    new = _Finished(
        tf.where(is_new, scores, -float("inf")),
        tf.fill(tf.shape(is_new), time),
        candidates.parents,
        candidates.tokens,
        lost,
    )
    both = _Finished(*(tf.concat(pair, axis=1) for pair in zip(finished, new, strict=True)))
    by_score = tf.argsort(both.scores, direction="DESCENDING")
    rank = 2 * tf.cast(~_is_ended(both), tf.int32) + tf.cast(both.lost, tf.int32)
    whole_first = tf.argsort(tf.gather(rank, by_score, batch_dims=1), stable=True)
    best = tf.gather(by_score, whole_first, batch_dims=1)[:, :beam_size]
    return _Finished(*(tf.gather(field, best, batch_dims=1) for field in both))


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


def _follow_back(
    finished: _Finished, trace: _Trace, steps: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Reads each finished hypothesis from its last token back to its first.

    Returns:
      ids int32 [batch, beam, steps] and attention [batch, beam, steps, source].
    """
    is_found = tf.math.is_finite(finished.scores)
    ids = tf.TensorArray(tf.int32, steps)
    attention = tf.TensorArray(tf.float32, steps)

    def step_back(
        time: tf.Tensor, beam: tf.Tensor, ids: tf.TensorArray, attention: tf.TensorArray
    ) -> tuple:
        searched = trace.sentences.read(time)
        row = tf.tensor_scatter_nd_update(
            tf.zeros([tf.shape(beam)[0]], tf.int32), searched[:, None], tf.range(tf.size(searched))
        )

        def at_beam(recorded: tf.TensorArray) -> tf.Tensor:
            return tf.gather(tf.gather(recorded.read(time), row), beam, batch_dims=1)

        is_tip = tf.equal(time, finished.times)
        is_inside = is_found & (time <= finished.times)
        token = tf.where(is_tip, finished.tokens, at_beam(trace.tokens))
        beam = tf.where(is_tip, finished.parents, at_beam(trace.parents))
        weights = at_beam(trace.attention)
        ids = ids.write(time, tf.where(is_inside, token, PAD))
        attention = attention.write(time, tf.where(is_inside[:, :, None], weights, 0.0))
        return time - 1, beam, ids, attention

    _, _, ids, attention = tf.while_loop(
        lambda time, *_: time >= 0,
        step_back,
        (steps - 1, tf.zeros_like(finished.parents), ids, attention),
    )
    return tf.transpose(ids.stack(), [1, 2, 0]), tf.transpose(attention.stack(), [1, 2, 0, 3])
