"""Reads and checks the lines of a shard of parallel text, without TFX and Beam.

A corpus line is `source<TAB>target` in UTF-8, with one more column for each feature declared by the
corpus (`corpus_features`). A malformed line is not an error here: it becomes a `Rejection` with
its reason, for the caller to count and to keep.
"""

import codecs
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple

from text.words import split_text

SPLITS = ("train", "validation", "test")
SHARD_SUFFIXES = (".tsv", ".tsv.gz")
LENGTH_BUCKETS = ("01-10", "11-20", "21-30", "31+")
UNKNOWN = "unknown"
MAX_FEATURE_CHARACTERS = 64

# Short texts have no reliable ratio of lengths: "Datenbankverwaltung" is a fair translation of
# four words.
RATIO_FREE_WORDS = 5

_BYTE_ORDER_MARK = codecs.BOM_UTF8
_BLOCK_BYTES = 1 << 20
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


class CorpusError(ValueError):
    """The corpus cannot be used; the message names the fix."""


class Reason(StrEnum):
    """The reason for rejecting a line."""

    TOO_LONG = "too_long"
    NUL_BYTE = "nul_byte"
    INVALID_UTF8 = "invalid_utf8"
    WRONG_COLUMNS = "wrong_columns"
    EMPTY_SIDE = "empty_side"
    LENGTH_RATIO = "length_ratio"
    FEATURE_VALUE = "feature_value"


@dataclass(frozen=True)
class LineLimits:
    """The limits of a sentence pair.

    Args:
        max_words: most words on either side, as `text.words.split_text` counts them.
        max_characters: most characters on either side.
        max_length_ratio: largest length of one side divided by the other's.

    Raises:
        ValueError: a limit is below 1, so it would reject every line.
    """

    max_words: int = 200
    max_characters: int = 2000
    max_length_ratio: float = 9.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value >= 1:
                raise ValueError(f"{name} must be 1 or more, not {value}.")

    def max_line_bytes(self, features: int = 0) -> int:
        """Returns the most bytes of an accepted line with this number of features.

        A character of UTF-8 takes at most 4 bytes.
        """
        texts = 2 * 4 * self.max_characters + len(b"\t\r")
        return texts + features * (4 * MAX_FEATURE_CHARACTERS + len(b"\t"))


class Pair(NamedTuple):
    """An accepted line."""

    source: bytes
    target: bytes
    source_words: int
    target_words: int
    source_characters: int
    target_characters: int
    features: tuple[bytes, ...] = ()
    """Values, in the order of the columns."""


class Rejection(NamedTuple):
    """The reason for rejecting a line, with details."""

    reason: Reason
    detail: str


def length_bucket(words: int) -> str:
    """Returns the length bucket of a sentence with this number of source words.

    Args:
        words: words of the source, 1 or more.

    Returns:
        One of `LENGTH_BUCKETS`.
    """
    return LENGTH_BUCKETS[min((words - 1) // 10, len(LENGTH_BUCKETS) - 1)]


def curated_schema_path() -> str:
    """Returns the path of the TensorFlow Metadata schema of the raw example."""
    return str(Path(__file__).with_name("raw_schema.pbtxt"))


def read_lines(stream: BinaryIO, max_bytes: int) -> Iterator[bytes]:
    r"""Reads the lines of a shard in bounded memory.

    Only `\n` ends a line. Python's text mode and `splitlines` also split at U+2028, U+0085, form
    feeds and similar characters, which may occur within a sentence. Reading bytes avoids this, and
    invalid UTF-8 reaches the parser instead of ending the read.

    Args:
        stream: a binary stream of TSV, already decompressed.
        max_bytes: largest allowed length. Only the first `max_bytes + 1` bytes of a longer line are
            kept, to mark it as too long; so a file without line ends does not fill the memory.

    Yields:
        Each line without its `\n`; a byte order mark at the start of the file is dropped.
    """
    kept = max_bytes + 1
    pending = b""
    at_start = True
    while block := stream.read(_BLOCK_BYTES):
        if at_start:
            at_start = False
            block = block.removeprefix(_BYTE_ORDER_MARK)
        *lines, rest = block.split(b"\n")
        if lines:
            yield (pending + lines[0])[:kept]
            for line in lines[1:]:
                yield line[:kept]
            pending = rest[:kept]
        else:
            pending = (pending + rest)[:kept]
    if pending:
        yield pending


def parse_line(line: bytes, limits: LineLimits, features: Sequence[str] = ()) -> Pair | Rejection:
    r"""Checks one line against the format of the raw example.

    Args:
        line: `source<TAB>target`, and a column for each feature, without `\n`; one trailing `\r`
            is dropped.
        limits: limits of a sentence pair.
        features: names of the further columns.

    Returns:
        The pair with its unchanged texts, or the rejection.
    """
    max_bytes = limits.max_line_bytes(len(features))
    if len(line) > max_bytes:
        return Rejection(Reason.TOO_LONG, f"more than {max_bytes:,} bytes")
    if b"\0" in line:
        return Rejection(Reason.NUL_BYTE, f"at byte {line.index(0)}")
    columns = line.removesuffix(b"\r").split(b"\t")
    try:
        texts = [column.decode("utf-8") for column in columns]
    except UnicodeDecodeError as error:
        return Rejection(Reason.INVALID_UTF8, error.reason)
    if len(texts) != 2 + len(features):
        return Rejection(Reason.WRONG_COLUMNS, f"{len(texts)} instead of {2 + len(features)}")
    source, target, *values = texts
    for side, text in (("source", source), ("target", target)):
        if not _is_visible(text):
            return Rejection(Reason.EMPTY_SIDE, side)
    for name, value in zip(features, values, strict=True):
        if problem := feature_problem(value):
            return Rejection(Reason.FEATURE_VALUE, f"{name} {problem}")
    pair = Pair(
        source=columns[0],
        target=columns[1],
        source_words=len(split_text(source)),
        target_words=len(split_text(target)),
        source_characters=len(source),
        target_characters=len(target),
        features=tuple(feature_value(value).encode() for value in values),
    )
    return _check_lengths(pair, limits) or pair


def feature_value(text: str) -> str:
    """Normalises a feature's value: runs of spaces become one, an empty value `unknown`.

    So the lines without a value form a named slice.
    """
    return " ".join(text.split()) or UNKNOWN


def feature_problem(text: str) -> str | None:
    """Describes the problem of a feature's value, or returns None if the value is valid.

    A value names a slice in tables and on the screen, so it must be short and printable.
    """
    value = feature_value(text)
    if len(value) > MAX_FEATURE_CHARACTERS:
        return f"has {len(value):,} characters, more than {MAX_FEATURE_CHARACTERS}"
    return None if value.isprintable() else "cannot be printed"


def _is_visible(text: str) -> bool:
    """Returns whether a text has more than spaces, control and format characters."""
    return any(unicodedata.category(character) not in _INVISIBLE_CATEGORIES for character in text)


def _check_lengths(pair: Pair, limits: LineLimits) -> Rejection | None:
    words = (pair.source_words, pair.target_words)
    characters = (pair.source_characters, pair.target_characters)
    if max(characters) > limits.max_characters:
        return Rejection(Reason.TOO_LONG, f"{max(characters):,} characters")
    if max(words) > limits.max_words:
        return Rejection(Reason.TOO_LONG, f"{max(words):,} words")
    # Languages differ in what is a word, so the ratio of characters must be too large as well.
    word_ratio = max(words) / min(words)
    ratio = min(word_ratio, max(characters) / min(characters))
    if max(words) > RATIO_FREE_WORDS and ratio > limits.max_length_ratio:
        return Rejection(Reason.LENGTH_RATIO, f"{words[0]} words against {words[1]}")
    return None


def shorten(raw: bytes, limit: int = 200) -> str:
    r"""Converts a line to short printable text, for people to recognise it.

    Invalid UTF-8 becomes `\xHH`, unprintable characters become `\uHHHH`, and a backslash is
    doubled, so the text is unambiguous.

    Args:
        raw: the line as read from the shard.
        limit: most bytes to show; `...` stands for the rest.
    """
    is_cut = len(raw) > limit
    decoder = codecs.getincrementaldecoder("utf-8")(errors="backslashreplace")
    # With final=False, a character cut in two is left out instead of shown as invalid.
    text = decoder.decode(raw[:limit].replace(b"\\", b"\\\\"), final=not is_cut)
    shown = "".join(_escape(character) for character in text)
    return shown + "..." if is_cut else shown


def _escape(character: str) -> str:
    if character.isprintable():
        return character
    named = {"\t": "\\t", "\r": "\\r", "\n": "\\n"}.get(character)
    code = ord(character)
    return named or (f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
