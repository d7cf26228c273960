"""Beam search, as pure functions over any model that can take a step.

Each sentence of a batch is searched by itself: a sentence that is done is left alone while others
go on, and its longest length is its own, so the company that a sentence keeps never changes its
translation.

Hypotheses are kept as back-pointers (token and parent of each beam at each step). What the winners
attended to is gathered at the end, once, instead of being copied along at every step.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from trainer.subwords import END, PAD, START, UNKNOWN

IMPOSSIBLE = -1e9
"""Stands for the logarithm of 0 where sums must stay finite."""

StepFunction = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]
"""(previous tokens int [batch, beam], state [batch, beam, ...]) -> (logits [batch, beam,
vocabulary], state, attention [batch, beam, source])."""


LEAST_COVERAGE = 0.01
"""A source position counts as looked at by so much at least, so that one that never was costs a
hypothesis something finite."""


class Hypotheses(NamedTuple):
    """The translations found, best first: those that ended, and behind them those that were cut."""

    ids: tf.Tensor
    """int32 [batch, beam, target], with the end symbol, padded with 0."""
    lengths: tf.Tensor
    """int32 [batch, beam], the end symbol included."""
    scores: tf.Tensor
    """float32 [batch, beam]: log-probability over the length penalty, plus the coverage penalty;
    `IMPOSSIBLE` for a beam that found nothing, whose length is 0."""
    attention: tf.Tensor
    """float32 [batch, beam, target, source], 0 on padding."""
    ended: tf.Tensor
    """bool [batch, beam]: false where the longest length cut the hypothesis off before its end
    symbol."""


def length_penalty(length: tf.Tensor, alpha: float) -> tf.Tensor:
    """((5 + length) / 6)^alpha, Wu et al. (2016), equation 14."""
    return tf.pow((5.0 + tf.cast(length, tf.float32)) / 6.0, alpha)


def coverage_penalty(coverage: tf.Tensor, to_cover: tf.Tensor, beta: float) -> tf.Tensor:
    """beta sum over i of log min(sum over t of alpha_ti, 1), Wu et al. (2016), equation 14.

    What was left out has hardly been looked at.

    Args:
      coverage: the attention that each source position got from all target positions, float32 [...,
        source].
      to_cover: which positions count, bool, broadcast to the same shape.
      beta: the weight.

    Returns:
      float32 [...], 0 or less.
    """
    seen = tf.math.log(tf.clip_by_value(coverage, LEAST_COVERAGE, 1.0))
    return beta * tf.reduce_sum(tf.where(to_cover, seen, 0.0), axis=-1)


def beam_search(
    step: StepFunction,
    initial_state: tf.Tensor,
    max_lengths: tf.Tensor,
    to_cover: tf.Tensor,
    *,
    beam_size: int,
    alpha: float,
    beta: float,
) -> Hypotheses:
    """Finds the hypotheses of highest score.

    A hypothesis is finished when its end symbol is among the best `beam_size` continuations; a
    sentence is done when `beam_size` hypotheses are finished. With a beam of one this is greedy
    search. A hypothesis that reaches the longest length without an end symbol ranks behind all that
    ended.

    Args:
      step: the model.
      initial_state: of the model, [batch, ...]; each beam starts from it.
      max_lengths: int32 [batch], at least 1: the most tokens of a translation, the end symbol
        included.
      to_cover: bool [batch, source]: which source positions a translation must not leave out.
      beam_size: hypotheses kept.
      alpha: of the length penalty.
      beta: of the coverage penalty.

    Returns:
      The hypotheses, `target` being the length of the longest of the batch.
    """
    batch = tf.shape(max_lengths)[0]
    alive = _Alive(
        tokens=tf.fill([batch, beam_size], START),
        log_probs=tf.tile([[0.0] + [IMPOSSIBLE] * (beam_size - 1)], [batch, 1]),
        state=_repeat_for_beams(initial_state, beam_size),
        coverage=tf.zeros([batch, beam_size, tf.shape(to_cover)[1]]),
    )
    nothing = tf.zeros([batch, beam_size], tf.int32)
    finished = _Finished(
        tf.fill([batch, beam_size], -float("inf")),
        nothing,
        nothing,
        nothing,
    )
    trace = _Trace(
        *(
            tf.TensorArray(kind, 0, dynamic_size=True, element_shape=shape)
            for kind, shape in _TRACE_TYPES
        )
    )

    def is_searching(
        time: tf.Tensor, _alive: _Alive, finished: _Finished, _trace: _Trace
    ) -> tf.Tensor:
        # The first step is taken even for a batch of no sentences, so that the results have their
        # shapes.
        return (time == 0) | tf.reduce_any((time < max_lengths) & ~_is_done(finished))

    def advance(time: tf.Tensor, alive: _Alive, finished: _Finished, trace: _Trace) -> tuple:
        logits, state, attention = step(alive.tokens, alive.state)
        candidates = _best_continuations(alive.log_probs, logits)
        coverage = alive.coverage + attention
        missing = coverage_penalty(coverage, to_cover[:, None], beta)
        scores = candidates.log_probs / length_penalty(time + 1, alpha)
        scores += tf.gather(missing, candidates.parents, batch_dims=1)
        is_last = (time + 1 >= max_lengths)[:, None]
        finished = _finish(finished, candidates, scores, time, is_last)
        tokens, parents, log_probs = _keep_alive(candidates)
        alive = _Alive(
            tokens,
            log_probs,
            tf.gather(state, parents, batch_dims=1),
            tf.gather(coverage, parents, batch_dims=1),
        )
        trace = _Trace(
            trace.tokens.write(time, tokens),
            trace.parents.write(time, parents),
            trace.attention.write(time, attention),
        )
        return time + 1, alive, finished, trace

    time, _, finished, trace = tf.while_loop(is_searching, advance, (0, alive, finished, trace))
    ids, attention = _follow_back(finished, trace, time)
    is_found = tf.math.is_finite(finished.scores)
    lengths = tf.where(is_found, finished.times + 1, 0)
    scores = tf.where(is_found, finished.scores, IMPOSSIBLE)
    return Hypotheses(ids, lengths, scores, attention, _is_ended(finished))


class _Alive(NamedTuple):
    """Hypotheses that go on."""

    tokens: tf.Tensor  # the last token, int32 [batch, beam]
    log_probs: tf.Tensor  # [batch, beam]
    state: tf.Tensor  # [batch, beam, ...]
    coverage: tf.Tensor  # attention so far, [batch, beam, source]


class _Finished(NamedTuple):
    """Hypotheses that go on no more, best first; each [batch, beam]."""

    scores: tf.Tensor  # of `Hypotheses`; -inf where there is none
    times: tf.Tensor  # the step of the last token
    parents: tf.Tensor  # the beam that the last token continued
    tokens: tf.Tensor  # the last token


class _Candidates(NamedTuple):
    """The best continuations of a sentence's beams, twice as many as beams, best first."""

    tokens: tf.Tensor
    parents: tf.Tensor
    log_probs: tf.Tensor


class _Trace(NamedTuple):
    """What happened at each step."""

    tokens: tf.TensorArray
    parents: tf.TensorArray
    attention: tf.TensorArray


_TRACE_TYPES = (
    (tf.int32, [None, None]),
    (tf.int32, [None, None]),
    (tf.float32, [None, None, None]),
)


def _repeat_for_beams(state: tf.Tensor, beam_size: int) -> tf.Tensor:
    return tf.repeat(state[:, None], beam_size, axis=1)


def _is_done(finished: _Finished) -> tf.Tensor:
    """Whether a sentence has as many finished hypotheses as beams, bool [batch]."""
    return tf.math.is_finite(finished.scores[:, -1])


def _is_ended(finished: _Finished) -> tf.Tensor:
    """Whether a hypothesis was found and has its end symbol, bool [batch, beam]."""
    return tf.math.is_finite(finished.scores) & tf.equal(finished.tokens, END)


def _best_continuations(log_probs: tf.Tensor, logits: tf.Tensor) -> _Candidates:
    """Extends every beam by every token and keeps the best: so many that the beams can go on
    whatever ends."""
    beam_size, vocabulary = log_probs.shape[1], tf.shape(logits)[2]
    never = tf.reduce_sum(
        tf.one_hot([PAD, UNKNOWN, START], vocabulary, on_value=IMPOSSIBLE), axis=0
    )
    totals = log_probs[:, :, None] + tf.nn.log_softmax(logits) + never
    best, flat = tf.math.top_k(tf.reshape(totals, [tf.shape(totals)[0], -1]), 2 * beam_size)
    return _Candidates(flat % vocabulary, flat // vocabulary, best)


def _finish(
    finished: _Finished,
    candidates: _Candidates,
    scores: tf.Tensor,
    time: tf.Tensor,
    is_last: tf.Tensor,
) -> _Finished:
    """Adds the candidates that end here to the finished hypotheses and keeps the best; a done
    sentence stays as it is."""
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
    )
    both = _Finished(*(tf.concat(pair, axis=1) for pair in zip(finished, new, strict=True)))
    by_score = tf.argsort(both.scores, direction="DESCENDING")
    is_ended = tf.gather(_is_ended(both), by_score, batch_dims=1)
    ended_first = tf.argsort(tf.cast(~is_ended, tf.int32), stable=True)
    best = tf.gather(by_score, ended_first, batch_dims=1)[:, :beam_size]
    return _Finished(*(tf.gather(field, best, batch_dims=1) for field in both))


def _keep_alive(candidates: _Candidates) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Chooses the best continuations that do not end: tokens, parents and log-probabilities, each
    [batch, beam]."""
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
        is_tip = tf.equal(time, finished.times)
        is_inside = is_found & (time <= finished.times)
        token = tf.where(
            is_tip, finished.tokens, tf.gather(trace.tokens.read(time), beam, batch_dims=1)
        )
        beam = tf.where(
            is_tip, finished.parents, tf.gather(trace.parents.read(time), beam, batch_dims=1)
        )
        row = tf.gather(trace.attention.read(time), beam, batch_dims=1)
        ids = ids.write(time, tf.where(is_inside, token, PAD))
        attention = attention.write(time, tf.where(is_inside[:, :, None], row, 0.0))
        return time - 1, beam, ids, attention

    _, _, ids, attention = tf.while_loop(
        lambda time, *_: time >= 0,
        step_back,
        (steps - 1, tf.zeros_like(finished.parents), ids, attention),
    )
    return tf.transpose(ids.stack(), [1, 2, 0]), tf.transpose(attention.stack(), [1, 2, 0, 3])
