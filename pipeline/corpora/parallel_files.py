"""Imports a user's own parallel text: two aligned files or one TSV, plain or gzip.

Malformed lines are set aside with their numbers and counted. They are an error only if no usable
line is left.
"""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from components.parallel_text import feature_problem
from pipeline.corpora.folder import CorpusText, RejectedLine
from pipeline.corpora.splitting import split_by_size
from pipeline.corpora.text import Row, one_line
from pipeline.corpora.unpacking import gunzip
from pipeline.errors import UserError
from text.encoding import likely_encoding

MAX_CHARACTERS = 10_000
DEFAULT_EVALUATION_PAIRS = 1_000
_DEFAULT_EVALUATION_SHARE = 0.05
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_QUOTED_BYTES = 500
_PROBED_BYTES = 1000
_NOT_UTF8 = "invalid UTF-8"

ReadPairs = tuple[list[Row], list[RejectedLine]]


def read_tsv(path: Path, features: Sequence[str] = ()) -> ReadPairs:
    """Reads `source<TAB>target` lines, with one more column for each feature.

    Args:
        path: the file, plain or gzip.
        features: names of the further columns.

    Returns:
        The pairs with the values of their features, and the malformed lines.
    """
    return parse_tsv(split_lines(_text(path)), path.name, (2 + len(features),), features)


def parse_tsv(
    lines: Iterable[bytes], name: str, columns: Iterable[int] = (2,), features: Sequence[str] = ()
) -> ReadPairs:
    """Parses the lines of a TSV file.

    Args:
        lines: the lines, without line ends.
        name: the file's name, recorded with rejected lines.
        columns: the allowed numbers of columns, including the texts and the features.
        features: names of the columns after the texts.
    """
    allowed = frozenset(columns)
    pairs: list[Row] = []
    rejected: list[RejectedLine] = []
    for number, line in enumerate(lines, start=1):
        cells = line.split(b"\t")
        if len(cells) not in allowed:
            rejected.append(_rejected(name, number, "wrong number of columns", line))
            continue
        _keep(cells[: 2 + len(features)], line, (name, number), pairs, rejected)
    return pairs, rejected


def read_aligned(source: Path, target: Path) -> ReadPairs:
    """Reads two aligned files: line n of one is the translation of line n of the other.

    Raises:
        UserError: a file cannot be read, or the numbers of lines differ.
    """
    texts = [_text(path) for path in (source, target)]
    lengths = [sum(1 for _ in split_lines(text)) for text in texts]
    if lengths[0] != lengths[1]:
        raise UserError(
            f"{source} has {lengths[0]} lines and {target} has {lengths[1]}: "
            "give two files with the same number of lines, one the translation of the other."
        )
    pairs: list[Row] = []
    rejected: list[RejectedLine] = []
    name = f"{source.name} + {target.name}"
    for number, (ours, theirs) in enumerate(zip(*map(split_lines, texts), strict=True), start=1):
        _keep([ours, theirs], ours + b"\t" + theirs, (name, number), pairs, rejected)
    return pairs, rejected


def corpus_of_pairs(
    read: ReadPairs,
    *,
    name: str,
    languages: tuple[str, str],
    licence: str,
    origin: str,
    validation: int | None = None,
    test: int | None = None,
    features: tuple[str, ...] = (),
) -> CorpusText:
    """Makes a corpus of pairs without given splits.

    Args:
        read: the result of `read_tsv` or `read_aligned`.
        name: the name of the corpus.
        languages: the codes of source and target.
        licence: the terms of the text.
        origin: the origin of the text.
        validation: number of validation pairs; by default 1,000, or 5 % of the pairs if fewer.
        test: number of test pairs, with the same default.
        features: names of the columns after source and target.

    Raises:
        UserError: there are no usable pairs, or not enough for all splits.
    """
    pairs, rejected = read
    if not pairs:
        reasons = sorted({line.reason for line in rejected}) or ["no lines"]
        advice = (
            " Convert it to UTF-8 first, as with iconv -f WINDOWS-1252 -t UTF-8."
            if _NOT_UTF8 in reasons
            else ""
        )
        raise UserError(
            f"There is no usable sentence pair in {origin}: {', '.join(reasons)}.{advice}"
        )
    default = max(1, min(DEFAULT_EVALUATION_PAIRS, int(len(pairs) * _DEFAULT_EVALUATION_SHARE)))
    validation = default if validation is None else validation
    test = default if test is None else test
    if validation + test >= len(pairs):
        raise UserError(
            f"{validation} validation and {test} test pairs leave nothing to train on: "
            f"{origin} has {len(pairs)} usable pairs."
        )
    splits, dropped = split_by_size(pairs, validation=validation, test=test)
    empty = [split for split, content in splits.items() if not content]
    if empty:
        raise UserError(
            f"Nothing is left for {' and '.join(empty)}: of the {len(pairs)} usable pairs in "
            f"{origin} too few differ from all others; add more text."
        )
    return CorpusText(
        name=name,
        source_language=languages[0],
        target_language=languages[1],
        licence=licence,
        origin=origin,
        splits=splits,
        dropped=dropped,
        rejected=rejected,
        features=features,
    )


def _keep(
    cells: Sequence[bytes],
    line: bytes,
    place: tuple[str, int],
    pairs: list[Row],
    rejected: list[RejectedLine],
) -> None:
    try:
        source, target, *values = (one_line(cell.decode("utf-8")) for cell in cells)
    except UnicodeDecodeError:
        rejected.append(_rejected(*place, _NOT_UTF8, line))
        return
    if b"\0" in line:
        reason = "NUL byte"
    elif not source or not target:
        reason = "empty side"
    elif max(len(source), len(target)) > MAX_CHARACTERS:
        reason = f"more than {MAX_CHARACTERS} characters"
    elif any(map(feature_problem, values)):
        reason = "feature that is too long or cannot be printed"
    else:
        pairs.append((source, target, *values))
        return
    rejected.append(_rejected(*place, reason, line))


def _rejected(file: str, line: int, reason: str, text: bytes) -> RejectedLine:
    quoted = text[:_QUOTED_BYTES].decode("utf-8", errors="backslashreplace")
    return RejectedLine(file, line, reason, quoted)


def _text(path: Path) -> bytes:
    data = read_bytes(path)
    encoding = likely_encoding(data[:_PROBED_BYTES])
    if encoding is not None and encoding.startswith("UTF"):
        # Lines cannot even be found; of other encodings, each line is judged.
        raise UserError(
            f"{path} is in {encoding}: save it as UTF-8, or convert it with "
            f"iconv -f {encoding} -t UTF-8."
        )
    return data


def read_bytes(path: Path) -> bytes:
    """Reads a file and decompresses gzip, recognised by content, not by name.

    Raises:
        UserError: the file cannot be read, or unpacks to too much.
    """
    try:
        return gunzip(path.read_bytes(), path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path} is a damaged gzip file; fetch or compress it again.") from error
    except MemoryError as error:
        raise UserError(f"{path} is larger than this machine's memory; divide it.") from error
    except OSError as error:
        raise UserError(f"Cannot read {path} ({error.strerror or error}).") from error


def split_lines(data: bytes) -> Iterator[bytes]:
    """Splits at line feeds only, as usual for aligned files, and drops carriage returns."""
    for line in io.BytesIO(data.removeprefix(_BYTE_ORDER_MARK)):
        yield line.removesuffix(b"\n").removesuffix(b"\r")
