"""A translation with its attention, read from a padded response."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from text.characters import LONE_SURROGATE

"""A byte of invalid UTF-8 in a string of Python, or half a character of UTF-16."""
_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True)
class Calibration:
    """What an export knows about itself, to doubt a translation (`serving.doubt`)."""

    surprise: float
    """How unlike the training text the source is."""
    length_ratio: float
    """The usual length of a translation divided by that of its source, in characters."""
    limits: tuple[float, ...]
    """The largest usual value of each kind of doubt."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Translation:
    """A hypothesis with its attention, without padding."""

    text: str
    score: float
    """Log-probability divided by the length penalty."""
    source_tokens: tuple[str, ...]
    """Subwords, the end symbol last."""
    target_tokens: tuple[str, ...]
    """Subwords, the end symbol last unless the hypothesis was cut; empty for an empty source."""
    attention: np.ndarray
    """float32 [target, source]; each row sums to 1."""
    truncated: bool
    """Whether the source or the hypothesis was cut at the model's limit."""
    n_best: tuple["Translation", ...] = field(default=(), repr=False)
    """The hypotheses of the beam, best first, if requested."""
    sentences: tuple["Sentence", ...] = field(default=(), repr=False)
    """The parts of a text that were translated one by one (`serving.segments`)."""
    warnings: tuple[str, ...] = ()
    """Why this translation of a text is doubtful; empty if it is not."""
    calibration: Calibration | None = field(default=None, repr=False)
    """None from an older export, and for several sentences."""


@dataclass(frozen=True, eq=False)
class Sentence:
    """A sentence of a text."""

    source: str
    translation: Translation


@dataclass(frozen=True, eq=False, kw_only=True)
class ScoredTranslation(Translation):
    """A given translation, scored by the model (forced decoding)."""

    token_log_probability: np.ndarray
    """float32 [target]: log-probability of each target token, given the preceding ones."""


def read_translation(response: Mapping[str, np.ndarray], row: int) -> Translation:
    """Reads one text's answer of the `serving_default` signature, cut to its real lengths."""
    return Translation(
        text=as_text(response["translation"][row]), **_read_decoded(response, (row,))
    )


def read_n_best(response: Mapping[str, np.ndarray], row: int) -> Translation:
    """Reads one text's answer of the `n_best` signature: the best hypothesis, which holds all."""
    hypotheses = tuple(
        Translation(
            text=as_text(response["translation"][row, rank]), **_read_decoded(response, (row, rank))
        )
        for rank in range(response["translation"].shape[1])
    )
    best = hypotheses[0]
    return dataclasses.replace(best, n_best=hypotheses)


def read_scored(response: Mapping[str, np.ndarray], row: int, target: str) -> ScoredTranslation:
    """Reads one pair's answer of the `score` signature; `target` is the given translation."""
    decoded = _read_decoded(response, (row,))
    log_probability = response["token_log_probability"][row, : len(decoded["target_tokens"])]
    return ScoredTranslation(text=target, token_log_probability=log_probability, **decoded)


def _read_decoded(response: Mapping[str, np.ndarray], index: tuple[int, ...]) -> dict:
    """Reads the outputs common to all signatures; `index` is (text,) or (text, hypothesis)."""

    def of_text(name: str, trailing: int) -> np.ndarray:
        """Reads an output of the source. Its rank tells if the export repeated it for the beam."""
        array = response[name]
        return array[index[: array.ndim - trailing]]

    source_length = int(of_text("source_length", 0))
    target_length = int(response["target_length"][index])
    return {
        "score": float(response["score"][index]),
        "source_tokens": tuple(
            as_text(token) for token in of_text("source_tokens", 1)[:source_length]
        ),
        "target_tokens": tuple(
            as_text(token) for token in response["target_tokens"][index][:target_length]
        ),
        "attention": np.array(response["attention"][index][:target_length, :source_length]),
        "truncated": bool(of_text("truncated", 0)),
        "calibration": _read_calibration(response["doubt"][index[0]])
        if "doubt" in response
        else None,
    }


def _read_calibration(values: np.ndarray) -> Calibration:
    surprise, length_ratio, *limits = values.tolist()
    return Calibration(surprise, length_ratio, tuple(limits))


def as_text(value: bytes) -> str:
    """Decodes a string of a model; invalid UTF-8 becomes U+FFFD."""
    return value.decode("utf-8", errors="replace")


def as_bytes(text: str | bytes) -> bytes:
    """Encodes a text for a model as valid UTF-8; invalid parts become U+FFFD."""
    if isinstance(text, bytes):
        text = as_text(text)
    return LONE_SURROGATE.sub("\ufffd", text).encode("utf-8")


def bytes_of_token(token: str) -> bytes:
    """Returns the UTF-8 bytes of a subword; a byte symbol such as `<0xC3>` is a single byte."""
    byte = _BYTE_TOKEN.fullmatch(token)
    return bytes([int(byte[1], 16)]) if byte else token.encode("utf-8")
