"""Slices batches of texts and their outputs by request, and joins them again.

The outputs of a batch are padded to its longest text. The outputs of a request are cut to its own
longest text, so they do not depend on the other requests of the batch. The names and axes are those
of the contract in `serving/contract/signatures.py`.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Inputs = Mapping[str, Sequence[bytes]]
"""One list of byte strings per input, all of the same length."""
Outputs = Mapping[str, np.ndarray]
"""Arrays with the texts on the first axis; strings are `bytes` objects."""

_PADDED_AXES: Mapping[str, tuple[str, ...]] = {
    "source_tokens": ("source_length",),
    "target_tokens": ("target_length",),
    "token_log_probability": ("target_length",),
    "attention": ("target_length", "source_length"),
    "self_attention": ("source_length", "source_length"),
}
"""For each padded output, the outputs with the lengths of its last axes before padding."""
_LENGTHS = frozenset(itertools.chain.from_iterable(_PADDED_AXES.values()))


def rows_of(inputs: Inputs) -> int:
    """Returns the number of texts."""
    return len(next(iter(inputs.values())))


def split(inputs: Inputs, size: int) -> list[Inputs]:
    """Splits inputs into consecutive pieces of at most `size` texts; without texts, into one."""
    return [
        {name: values[start : start + size] for name, values in inputs.items()}
        for start in range(0, max(1, rows_of(inputs)), size)
    ]


def concatenate(several: Sequence[Inputs]) -> Inputs:
    """Concatenates the inputs of several requests."""
    return {name: [text for inputs in several for text in inputs[name]] for name in several[0]}


def slice_rows(outputs: Outputs, start: int, stop: int) -> dict[str, np.ndarray]:
    """Returns the rows from `start` to before `stop`, cut to the longest of these texts."""
    own = {name: values[start:stop] for name, values in outputs.items()}
    real = {name: slice(max(0, int(own[name].max(initial=0)))) for name in _LENGTHS if name in own}
    for name, lengths in _PADDED_AXES.items():
        if name in own and all(length in real for length in lengths):
            index: tuple[Any, ...] = (..., *(real[length] for length in lengths))
            own[name] = own[name][index]
    return own


def join(pieces: Sequence[Outputs]) -> dict[str, np.ndarray]:
    """Joins the outputs of consecutive texts, padded to the longest of all.

    The padding is zero, or the empty string for strings.
    """
    if len(pieces) == 1:
        return dict(pieces[0])
    return {name: _join_arrays([piece[name] for piece in pieces]) for name in pieces[0]}


def _join_arrays(arrays: Sequence[np.ndarray]) -> np.ndarray:
    rows = sum(len(array) for array in arrays)
    rest = np.max([array.shape[1:] for array in arrays], axis=0)
    dtype = arrays[0].dtype
    joined = np.full((rows, *map(int, rest)), b"" if dtype.kind == "O" else 0, dtype)
    start = 0
    for array in arrays:
        block = (slice(start, start + len(array)), *map(slice, array.shape[1:]))
        joined[block] = array
        start += len(array)
    return joined
