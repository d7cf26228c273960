"""One translation with its attention, read from a padded answer, as subwords or as words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from serving.contract.signatures import END_SYMBOL, WORD_START

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_WORD_START_AS_BYTES = [f"<0x{byte:02X}>" for byte in WORD_START.encode("utf-8")]


@dataclass(frozen=True, eq=False, kw_only=True)
class Translation:
    """A hypothesis and where each of its tokens came from; no padding is left in it."""

    text: str
    score: float
    """Log-probability over the length penalty."""
    source_tokens: tuple[str, ...]
    """Subwords, the end symbol last."""
    target_tokens: tuple[str, ...]
    """Subwords, the end symbol last unless the hypothesis was cut; empty for an empty source."""
    attention: np.ndarray
    """float32 [target, source]; each row sums to 1."""
    truncated: bool
    """Whether the source or the hypothesis was cut at the model's limit."""
    n_best: tuple["Translation", ...] = field(default=(), repr=False)
    """The hypotheses of the beam, best first, if they were asked for."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ScoredTranslation(Translation):
    """A given translation as the model sees it (forced decoding)."""

    token_log_probability: np.ndarray
    """float32 [target]: log-probability of each target token after those before it."""


@dataclass(frozen=True, eq=False)
class WordAttention:
    """Attention between whole words."""

    source_words: tuple[str, ...]
    target_words: tuple[str, ...]
    attention: np.ndarray
    """float32 [target, source]."""


def read_translation(response: Mapping[str, np.ndarray], row: int) -> Translation:
    """Reads one text's answer of the `serving_default` signature, cut to its real lengths."""
    return Translation(
        text=as_text(response["translation"][row]), **_read_decoded(response, (row,))
    )


def read_n_best(response: Mapping[str, np.ndarray], row: int) -> Translation:
    """Reads one text's answer of the `n_best` signature: the best hypothesis, holding them all."""
    hypotheses = tuple(
        Translation(
            text=as_text(response["translation"][row, rank]), **_read_decoded(response, (row, rank))
        )
        for rank in range(response["translation"].shape[1])
    )
    best = hypotheses[0]
    return Translation(**{**vars(best), "n_best": hypotheses})


def read_scored(response: Mapping[str, np.ndarray], row: int, target: str) -> ScoredTranslation:
    """Reads one pair's answer of the `score` signature; `target` is the text that was given."""
    decoded = _read_decoded(response, (row,))
    log_probability = response["token_log_probability"][row, : len(decoded["target_tokens"])]
    return ScoredTranslation(text=target, token_log_probability=log_probability, **decoded)


def _read_decoded(response: Mapping[str, np.ndarray], index: tuple[int, ...]) -> dict:
    """Reads what the three signatures share; `index` is (text,) or (text, hypothesis)."""

    def of_text(name: str, trailing: int) -> np.ndarray:
        """A tensor of the source has no beam axis unless the export repeated it: the rank tells."""
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
    }


def as_text(value: bytes) -> str:
    """Decodes a string of a model, whatever bytes are in it."""
    return value.decode("utf-8", errors="replace")


def as_bytes(text: str | bytes) -> bytes:
    """Encodes a text for a model as valid UTF-8, whatever is in it."""
    if isinstance(text, bytes):
        text = as_text(text)
    return _LONE_SURROGATE.sub("\ufffd", text).encode("utf-8")


def merge_into_words(
    translation: Translation, *, keep_end: bool = False, renormalise: bool = False
) -> WordAttention:
    """Merges subwords into words on both sides.

    A target word looks at a source word with the sum of the weights on the source word's tokens,
    averaged over the target word's tokens (Koehn and Knowles, 2017, section 3.5). Rows still sum to
    1 while all words are kept.

    Args:
      translation: a translation, [target tokens, source tokens].
      keep_end: whether the end symbols stay, as words of their own.
      renormalise: whether each row is divided by its sum after the end symbols were dropped.
        Without it, a row's missing part is what the word put on the source's end symbol. A row that
        put everything there stays zero.

    Returns:
      The words and their attention, [target words, source words].
    """
    source_starts, source_words = _group(translation.source_tokens)
    target_starts, target_words = _group(translation.target_tokens)
    attention = np.zeros((len(target_words), len(source_words)), np.float32)
    if attention.size:
        summed = np.add.reduceat(translation.attention, source_starts, axis=1)
        sizes = np.diff([*target_starts, len(translation.target_tokens)])
        attention = (np.add.reduceat(summed, target_starts, axis=0) / sizes[:, np.newaxis]).astype(
            np.float32
        )
    if not keep_end:
        source_words, target_words = _without_end(source_words), _without_end(target_words)
        attention = attention[: len(target_words), : len(source_words)]
    if renormalise:
        sums = attention.sum(axis=1, keepdims=True)
        attention = np.divide(attention, sums, out=np.zeros_like(attention), where=sums > 0)
    return WordAttention(source_words, target_words, attention)


def _group(tokens: Sequence[str]) -> tuple[list[int], tuple[str, ...]]:
    """Finds the words of a token sequence: where each starts, and its text."""
    starts: list[int] = []
    for position, token in enumerate(tokens):
        opens_word = (
            position == 0
            or token.startswith(WORD_START)
            or list(tokens[position : position + 3]) == _WORD_START_AS_BYTES
            or (token == END_SYMBOL and position == len(tokens) - 1)
        )
        # A marker with nothing after it is a space, not a word: what comes next belongs to it.
        if opens_word and not (
            starts and token != END_SYMBOL and not _spell(tokens[starts[-1] : position])
        ):
            starts.append(position)
    ends = [*starts[1:], len(tokens)] if starts else []
    return starts, tuple(_spell(tokens[start:end]) for start, end in zip(starts, ends, strict=True))


def _spell(tokens: Sequence[str]) -> str:
    """Writes tokens as text: bytes decoded, word-start markers as spaces, none at the ends."""
    spelled = b"".join(map(bytes_of_token, tokens))
    return spelled.decode("utf-8", errors="replace").replace(WORD_START, " ").strip(" ")


def bytes_of_token(token: str) -> bytes:
    """Returns what a subword stands for in UTF-8: a byte symbol such as `<0xC3>` is that byte."""
    byte = _BYTE_TOKEN.fullmatch(token)
    return bytes([int(byte[1], 16)]) if byte else token.encode("utf-8")


def _without_end(words: tuple[str, ...]) -> tuple[str, ...]:
    return words[:-1] if words and words[-1] == END_SYMBOL else words
