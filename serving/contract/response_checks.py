"""Checks for every response of an exported model, as pure functions on NumPy arrays.

Each function returns one sentence per kind of problem, and an empty list if there is none. So all
problems of a rejected model are reported at once.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from serving.contract.signatures import (
    CONTRACTS,
    END_SYMBOL,
    N_BEST,
    SCORE,
    SERVE_EXAMPLES,
    SOURCE_ATTENTION,
    SignatureContract,
)
from serving.contract.translation import as_text

Response = Mapping[str, np.ndarray]

ROW_SUM_TOLERANCE = 1e-3
"""For attention weights computed in bfloat16 and normalised in float32."""
BATCH_TOLERANCE = 1e-2
"""Another batch shape changes the order of summation. Attention to padding, a real error, changes
the weights by far more."""

_DTYPES = {"string": object, "float32": np.float32, "int32": np.int32, "bool": np.bool_}


def check_form(signature: str, response: Response, batch: int) -> list[str]:
    """Checks names, dtypes, ranks and sizes; a response must pass it before the other checks.

    Args:
      signature: the name of the signature.
      response: its outputs.
      batch: number of texts in the request.
    """
    problems = []
    signature_contract = CONTRACTS[signature]
    for name, contract in {**signature_contract.outputs, **signature_contract.optional}.items():
        if name not in response:
            if name in signature_contract.outputs:
                problems.append(f"output {name!r} is missing")
            continue
        array = response[name]
        if array.dtype != _DTYPES[contract.dtype]:
            problems.append(f"output {name!r} has dtype {array.dtype}, not {contract.dtype}")
        if array.ndim not in contract.ranks:
            problems.append(f"output {name!r} has rank {array.ndim}, not {_either(contract.ranks)}")
        elif array.shape[0] != batch:
            problems.append(f"output {name!r} holds {array.shape[0]} answers to {batch} texts")
    return problems or _check_sizes(CONTRACTS[signature], signature, response)


def _check_sizes(contract: SignatureContract, signature: str, response: Response) -> list[str]:
    """Compares all axes with those of the attention, [B, T, S] or [B, K, T, S]."""
    if signature == SERVE_EXAMPLES:
        columns = response["translation"].shape[1]
        return [] if columns == 1 else [f"output 'translation' has {columns} columns, not 1"]
    if signature == SOURCE_ATTENTION:
        return _check_source_sizes(response)
    *leading, targets, sources = response["attention"].shape
    if 0 in leading:
        return ["the beam is empty"]
    last_axes = {
        "source_tokens": sources,
        "target_tokens": targets,
        "token_log_probability": targets,
    }
    problems = []
    for name in contract.outputs:
        shape = response[name].shape
        expected: tuple[int, ...] = tuple(leading)
        if name in last_axes:
            expected = (*leading, last_axes[name])
        if name == "attention" or shape == expected:
            continue
        has_no_beam_axis = shape == (leading[0], *expected[len(leading) :])
        if not (signature == N_BEST and has_no_beam_axis):
            problems.append(
                f"output {name!r} has shape {list(shape)}, but the attention needs {list(expected)}"
            )
    if "doubt" in response and response["doubt"].shape[1] < 2:
        problems.append("output 'doubt' lacks its first two columns")
    return problems


def _check_source_sizes(response: Response) -> list[str]:
    shape, sources = response["self_attention"].shape, response["source_tokens"].shape[1]
    if 0 in shape[1:3] or shape[3:] != (sources, sources):
        return [f"output 'self_attention' has shape {list(shape)} for {sources} tokens"]
    return []


def check_lengths(response: Response) -> list[str]:
    """Checks the lengths: they must fit into the padded axes before the padding is cut off."""
    if "self_attention" in response:
        return _check_length(response, "source")
    return _check_lengths(_without_beam_axis(response))


def check_values(signature: str, response: Response) -> list[str]:
    """Checks scores, texts, lengths, tokens and attention of a response with a valid form."""
    problems = _check_texts(response)
    if signature == SERVE_EXAMPLES:
        return problems
    if signature == SOURCE_ATTENTION:
        return problems + (_check_length(response, "source") or _check_self_attention(response))
    problems += _check_scores(signature, response)
    flat = _without_beam_axis(response)
    lengths = _check_lengths(flat)
    problems += lengths
    if not lengths:
        problems += _check_tokens(flat)
        problems += _check_attention(flat)
        if signature == SCORE:
            problems += _check_log_probabilities(flat)
    return problems


def check_empty_text(response: Response) -> list[str]:
    """Checks the response to empty texts: empty translations without tokens."""
    problems = []
    if any(text != b"" for text in response["translation"].flat):
        problems.append("the translation of nothing is not empty")
    if "target_length" in response and response["target_length"].any():
        problems.append("the translation of nothing has target tokens")
    return problems


def check_long_text(response: Response, words: int) -> list[str]:
    """Checks the response to a long source: it must be read in full or reported as truncated."""
    is_whole = response["source_length"] >= words
    return (
        []
        if np.all(response["truncated"] | is_whole)
        else [f"a text of {words} words was cut without 'truncated'"]
    )


def check_same_answer(
    alone: Response, row: int, together: Response, together_row: int
) -> list[str]:
    """Compares an answer of `serving_default` alone and in a batch, where it must not change."""
    problems = []
    first, second = alone["translation"][row], together["translation"][together_row]
    if first != second:
        return [f"alone it is {as_text(first)!r}, in a batch {as_text(second)!r}"]
    if not np.allclose(
        alone["score"][row],
        together["score"][together_row],
        rtol=BATCH_TOLERANCE,
        atol=BATCH_TOLERANCE,
    ):
        problems.append(
            f"the score is {alone['score'][row]:.4f} alone, "
            f"{together['score'][together_row]:.4f} in a batch"
        )
    attention, other = _real_attention(alone, row), _real_attention(together, together_row)
    if attention.shape != other.shape:
        problems.append(
            f"the attention is {attention.shape} alone, {other.shape} in a batch (targets, sources)"
        )
    elif not np.allclose(attention, other, rtol=0, atol=BATCH_TOLERANCE):
        problems.append(
            f"the attention differs by up to {np.abs(attention - other).max():.3f} in a batch"
        )
    return problems


def check_beam(n_best: Response, best: Sequence[bytes]) -> list[str]:
    """Checks the order of the hypotheses: best first, starting with that of `serving_default`.

    Hypotheses cut off before their end symbol come after the complete ones, for any score.
    """
    problems = []
    score, is_ended = n_best["score"], _is_ended(n_best["target_tokens"], n_best["target_length"])
    is_rise = np.diff(score, axis=1) > BATCH_TOLERANCE
    is_first_cut = is_ended[:, :-1] & ~is_ended[:, 1:]
    if np.any(is_rise & ~is_first_cut):
        problems.append("the hypotheses are not ordered by their score")
    if np.any(~is_ended[:, :-1] & is_ended[:, 1:]):
        problems.append("a hypothesis that was cut off comes before one that ended")
    if list(n_best["translation"][:, 0]) != list(best):
        problems.append("the first hypothesis is not the translation of 'serving_default'")
    return problems


def _check_texts(response: Response) -> list[str]:
    problems = []
    for name in ("translation", "source_tokens", "target_tokens"):
        for value in response.get(name, np.array([], object)).flat:
            try:
                value.decode("utf-8")
            except UnicodeDecodeError:
                problems.append(f"output {name!r} is not UTF-8: {value!r}")
                break
    return problems


def _check_scores(signature: str, response: Response) -> list[str]:
    names = (
        ("score", "attention", "token_log_probability")
        if signature == SCORE
        else ("score", "attention")
    )
    return [
        f"output {name!r} is not finite" for name in names if not np.isfinite(response[name]).all()
    ]


def _check_lengths(flat: Response) -> list[str]:
    """Checks if the lengths are within the padded axes."""
    return _check_length(flat, "source") + _check_length(flat, "target")


def _check_length(flat: Response, side: str) -> list[str]:
    length, limit = flat[f"{side}_length"], flat[f"{side}_tokens"].shape[1]
    wrong = np.flatnonzero((length < 0) | (length > limit))
    if not wrong.size:
        return []
    return [f"{side}_length is {length[wrong[0]]}, but there are {limit} tokens"]


def _check_tokens(flat: Response) -> list[str]:
    """Compares the tokens with the lengths; the last must be the end symbol unless truncated."""
    problems = []
    for side in ("source", "target"):
        tokens, length = flat[f"{side}_tokens"], flat[f"{side}_length"]
        is_real = np.arange(tokens.shape[1]) < length[:, np.newaxis]
        if np.any((tokens == b"") & is_real):
            problems.append(f"a {side} token within {side}_length is empty")
        if np.any((tokens != b"") & ~is_real):
            problems.append(f"a {side} token beyond {side}_length is not empty")
        has_tokens = np.flatnonzero(length > 0)
        is_ended = _is_ended(tokens[has_tokens], length[has_tokens])
        if not np.all(is_ended | flat["truncated"][has_tokens]):
            problems.append(
                f"the last {side} token is not {END_SYMBOL} although nothing was truncated"
            )
    return problems


def _is_ended(tokens: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Whether the last real token is the end symbol.

    Args:
      tokens: [..., T].
      length: number of real tokens [...].

    Returns:
      bool [...].
    """
    last = np.maximum(length - 1, 0)[..., np.newaxis]
    return np.take_along_axis(tokens, last, axis=-1)[..., 0] == END_SYMBOL.encode("utf-8")


def _check_attention(flat: Response) -> list[str]:
    """Checks the attention: a distribution over the real source tokens for each real target token,
    and 0 elsewhere."""
    attention = flat["attention"]
    is_source = np.arange(attention.shape[2]) < flat["source_length"][:, np.newaxis]
    is_target = np.arange(attention.shape[1]) < flat["target_length"][:, np.newaxis]
    is_real = is_target[:, :, np.newaxis] & is_source[:, np.newaxis, :]
    problems = []
    if np.any(attention[~is_real] != 0):
        problems.append(
            f"attention on padding is not 0 but up to {np.abs(attention[~is_real]).max():.4g}"
        )
    if np.any(attention < 0):
        problems.append(f"an attention weight is negative: {attention.min():.4g}")
    sums = np.where(is_real, attention, 0).sum(axis=2)
    wrong = np.argwhere(is_target & ~(np.abs(sums - 1) <= ROW_SUM_TOLERANCE))
    if wrong.size:
        text, target = wrong[0]
        problems.append(
            f"attention rows do not sum to 1: that of target token {target} of answer {text} "
            f"sums to {sums[text, target]:.4g} ({len(wrong)} such rows)"
        )
    return problems


def _check_self_attention(response: Response) -> list[str]:
    """Checks each head's attention as that of a translation of the source into itself."""
    weights = response["self_attention"]
    layers, heads = weights.shape[1:3]
    lengths = {f"{side}_length": response["source_length"] for side in ("source", "target")}
    return [
        f"layer {layer + 1}, head {head + 1}: {problem}"
        for layer in range(layers)
        for head in range(heads)
        for problem in _check_attention({**lengths, "attention": weights[:, layer, head]})
    ]


def _check_log_probabilities(flat: Response) -> list[str]:
    values = flat["token_log_probability"]
    is_target = np.arange(values.shape[1]) < flat["target_length"][:, np.newaxis]
    highest = np.where(is_target, values, 0).max(initial=0)
    return (
        [f"a token_log_probability is above 0: {highest:.4g}"]
        if highest > ROW_SUM_TOLERANCE
        else []
    )


def _without_beam_axis(response: Response) -> dict[str, np.ndarray]:
    """Merges the batch and beam axes; repeats the outputs of the source for each hypothesis."""
    attention = response["attention"]
    if attention.ndim == 3:
        return dict(response)
    batch, beam = attention.shape[:2]
    flat = {}
    for name, array in response.items():
        trailing = {"attention": 2, "source_tokens": 1, "target_tokens": 1, "doubt": 1}.get(name, 0)
        if array.ndim == 1 + trailing:
            array = np.repeat(array[:, np.newaxis], beam, axis=1)
        flat[name] = array.reshape(batch * beam, *array.shape[2:])
    return flat


def _real_attention(response: Response, row: int) -> np.ndarray:
    return response["attention"][
        row, : response["target_length"][row], : response["source_length"][row]
    ]


def _either(ranks: Sequence[int]) -> str:
    return " or ".join(map(str, ranks))
