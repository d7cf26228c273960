"""Writes, reads and verifies corpus folders; a folder is written completely or not at all.

A new folder is built under a hidden name beside its destination, flushed to the disk and renamed.
So an incomplete corpus is never visible, and after a failure an older corpus is unchanged. On Linux
a replacement changes places with the older corpus in one step.
"""

import ctypes
import errno
import fcntl
import gzip
import hashlib
import os
import re
import shutil
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from pipeline.corpora.information import SPLITS, CorpusInfo, PackageInfo, Shard, Split, Words
from pipeline.corpora.rows import PackedRows
from pipeline.corpora.spans import has_spans
from pipeline.corpora.text import Row, count_words, one_line
from pipeline.errors import RunFailedError, UserError
from text.sentences import Pair

PAIRS_PER_SHARD = 5_000
INFORMATION_FILE = "corpus.json"
REJECTED_FILE = "rejected.tsv"
SUGGESTIONS_FILE = "suggestions.tsv"
"""Better translations that wait to become a span (`pipeline.corpora.suggestions`)."""
_SHARD_NAME = re.compile(r"(train|validation|test)-.*\.tsv(\.gz)?")
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_QUOTED_CHARACTERS = 500
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
"""Errors of kernels and file systems that cannot exchange two folders."""


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A malformed line of an imported file: its place, the reason, and the start of its text."""

    file: str
    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class CorpusText:
    """The contents of a corpus folder."""

    name: str
    source_language: str
    target_language: str
    licence: str
    origin: str
    splits: Mapping[Split, Sequence[Row]]
    """Made fit for a line when they are written; those of `PackedRows` stay as they are."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    rejected: Sequence[RejectedLine] = ()
    features: tuple[str, ...] = ()
    """Names of the columns after source and target."""
    packages: tuple[PackageInfo, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    """Reasons for the packages that could not be read, by name."""
    files: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Number of pairs taken from each imported file, and of those left, by reason."""
    overlaps: Mapping[str, Mapping[Split, int]] = field(default_factory=dict)
    """Number of pairs of other corpora, by name and split, that the training split has, too."""


def write_corpus(corpus: CorpusText, folder: Path, *, replace: bool = False) -> CorpusInfo:
    """Writes a corpus folder atomically.

    Args:
        corpus: the text and its origin.
        folder: the destination; its parents are created.
        replace: whether to replace an existing corpus.

    Returns:
        The contents of `corpus.json`.

    Raises:
        UserError: the corpus exists already, has no training text, or cannot be written.
        RunFailedError: the disk is full; an older corpus is unchanged.
    """
    check_destination(folder, replace=replace)
    if not corpus.splits.get("train"):
        raise UserError(f"Nothing is left to train on in the corpus {corpus.name}.")
    try:
        with _building(folder) as building:
            information = _fill(building, corpus)
            sync_folder(building)
            _move_into_place(building, folder, replace=replace)
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise RunFailedError(
                f"The disk is full: {folder} could not be written and nothing half-written was "
                "kept; free some space or choose another --workspace, then try again."
            ) from error
        raise UserError(
            f"Cannot write {folder} ({error.strerror or error}); "
            "choose a --workspace that you may write to."
        ) from error
    return information


def tidy(folder: Path) -> None:
    """Removes the leftovers of a killed process, and restores an old corpus moved aside by it."""
    for abandoned in folder.parent.glob(f".{folder.name}.*.partial"):
        descriptor = os.open(abandoned, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # another process is building this corpus
        else:
            shutil.rmtree(abandoned, ignore_errors=True)
        finally:
            os.close(descriptor)
    for aside in folder.parent.glob(f".{folder.name}.*.old"):
        if folder.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.rename(folder)


def check_destination(folder: Path, *, replace: bool) -> None:
    """Raises UserError if `folder` holds a corpus and `replace` is false, or text added later.

    A replacement would lose spans and suggestions.
    """
    tidy(folder)
    if folder.exists() and not replace:
        raise UserError(f"{folder} exists already; add --force to replace it.")
    if has_spans(folder):
        raise UserError(
            f"{folder} holds spans, which would be lost: move its folders span-... away first."
        )
    if (folder / SUGGESTIONS_FILE).exists():
        raise UserError(
            f"{folder} holds suggestions, which would be lost: move {SUGGESTIONS_FILE} away first."
        )


def load_corpus(folder: Path) -> CorpusInfo:
    """Reads a corpus folder and verifies the shards against `corpus.json`.

    Raises:
        UserError: there is no corpus, or its files differ from `corpus.json`.
    """
    information = read_information(folder)
    try:
        _verify(folder, information)
    except UserError:
        if read_information(folder) == information:
            raise
        return load_corpus(folder)  # it was replaced meanwhile
    return information


def _verify(folder: Path, information: CorpusInfo) -> None:
    remedy = "make the corpus again with --force."
    present = {path.name for path in folder.iterdir() if _SHARD_NAME.fullmatch(path.name)}
    for name in sorted(present ^ information.shards.keys()):
        problem = "is missing from" if name in information.shards else "is unknown to"
        raise UserError(
            f"The corpus {folder} is damaged: {name} {problem} {INFORMATION_FILE}; {remedy}"
        )
    counts = dict.fromkeys(SPLITS, 0)
    for name, shard in sorted(information.shards.items()):
        pairs, checksum = _measure(folder / name)
        if (pairs, checksum) != (shard.pairs, shard.sha256):
            raise UserError(
                f"The corpus {folder} is damaged: {name} is not the file that {INFORMATION_FILE} "
                f"describes; {remedy}"
            )
        counts[shard.split] += pairs
    if counts != {split: information.counts.get(split, 0) for split in SPLITS}:
        raise UserError(f"The counts in {folder / INFORMATION_FILE} are not its shards'; {remedy}")


def read_information(folder: Path) -> CorpusInfo:
    """Reads only `corpus.json`, without verifying the shards.

    Raises:
        UserError: the file is missing or damaged.
    """
    path = folder / INFORMATION_FILE
    try:
        return CorpusInfo.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError(
            f"There is no corpus in {folder}: {INFORMATION_FILE} is missing; "
            "`nmt corpus import` makes one of your own files."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UserError(
            f"{path} is damaged ({where}: {first['msg']}); make the corpus again with --force."
        ) from error
    except OSError as error:
        raise UserError(f"Cannot read {path} ({error.strerror or error}).") from error


def read_split(folder: Path, split: Split) -> Iterator[Pair]:
    """Yields the pairs of one split in the order of its shards, without features."""
    for line in _lines(folder, split):
        source, target, *_ = line.decode("utf-8").split("\t")
        yield source, target


def read_rows(folder: Path, split: Split) -> PackedRows:
    """Returns the rows of one split in the order of its shards, with their features."""
    return PackedRows(_lines(folder, split))


def _lines(folder: Path, split: Split) -> Iterator[bytes]:
    for name, shard in sorted(read_information(folder).shards.items()):
        if shard.split == split:
            yield from _read(folder / name).split(b"\n")[:-1]


def _fill(building: Path, corpus: CorpusText) -> CorpusInfo:
    shards: dict[str, Shard] = {}
    words: dict[Split, Words] = {}
    counts: dict[Split, int] = {}
    for split in SPLITS:
        rows = corpus.splits[split]
        counts[split] = len(rows)
        source_words = target_words = 0
        starts = range(0, len(rows), PAIRS_PER_SHARD)
        for index, start in enumerate(starts):
            name = f"{split}-{index:05d}-of-{len(starts):05d}.tsv.gz"
            chunk = _clean(rows[start : start + PAIRS_PER_SHARD])
            source_words += sum(count_words(row[0]) for row in chunk)
            target_words += sum(count_words(row[1]) for row in chunk)
            text = b"".join(line + b"\n" for line in chunk.lines)
            write_file(building / name, gzip.compress(text, compresslevel=6, mtime=0))
            shards[name] = Shard(
                split=split, pairs=len(chunk), sha256=hashlib.sha256(text).hexdigest()
            )
        words[split] = Words(source=source_words, target=target_words)
    reasons = Counter(line.reason for line in corpus.rejected)
    if corpus.rejected:
        write_file(building / REJECTED_FILE, _spelled_out(_rejected_text(corpus.rejected)).encode())
    information = CorpusInfo(
        name=corpus.name,
        source_language=corpus.source_language,
        target_language=corpus.target_language,
        licence=_spelled_out(corpus.licence),
        origin=_spelled_out(corpus.origin),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        counts=counts,
        words=words,
        shards=shards,
        features=corpus.features,
        dropped=dict(sorted(corpus.dropped.items())),
        packages=corpus.packages,
        missing=dict(sorted(corpus.missing.items())),
        overlaps={name: dict(counts) for name, counts in sorted(corpus.overlaps.items())},
        rejected=dict(sorted(reasons.items())),
        files={name: dict(counts) for name, counts in corpus.files.items()},
    )
    write_file(building / INFORMATION_FILE, (information.model_dump_json(indent=2) + "\n").encode())
    return information


def _clean(rows: Sequence[Row]) -> PackedRows:
    """Returns rows as lines; packed ones are lines already, and stay as they are."""
    if isinstance(rows, PackedRows):
        return rows
    cleaned = PackedRows()
    for source, target, *features in rows:
        cleaned.append((one_line(source), one_line(target), *map(one_line, features)))
    return cleaned


def _rejected_text(lines: Sequence[RejectedLine]) -> str:
    rows = ["file\tline\treason\ttext"]
    rows += [
        f"{line.file}\t{line.line}\t{line.reason}\t{line.text[:_QUOTED_CHARACTERS]!r}"
        for line in lines
    ]
    return "\n".join(rows) + "\n"


def _spelled_out(text: str) -> str:
    """Writes bytes of invalid UTF-8, as in file names and arguments, by their codes: `\\udcff`."""
    return text.encode("utf-8", errors="backslashreplace").decode()


def _read(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def _measure(path: Path) -> tuple[int, str]:
    """Returns the number of lines of a shard and the checksum of its text, empty if unreadable."""
    try:
        text = _read(path)
    except (OSError, EOFError, zlib.error):
        return 0, ""
    return text.count(b"\n"), hashlib.sha256(text).hexdigest()


def write_file(path: Path, data: bytes) -> None:
    """Writes a file to the disk itself."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(directory: Path) -> None:
    """Writes the names in a folder to the disk itself."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _building(folder: Path) -> Iterator[Path]:
    """Yields a locked, hidden folder beside `folder`, and removes it at the end."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(
        tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent)
    )
    descriptor = os.open(building, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        building.chmod(0o755)
        yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)
        os.close(descriptor)


def _move_into_place(building: Path, folder: Path, *, replace: bool) -> None:
    if not replace:
        check_destination(folder, replace=False)  # another process may have made it meanwhile
    if folder.exists() and _exchange(building, folder):
        sync_folder(folder.parent)
        return  # the older corpus is removed with the hidden folder
    aside = building.with_suffix(".old")
    if folder.exists():
        folder.rename(aside)
    try:
        building.rename(folder)
    except OSError:
        if aside.exists():
            aside.rename(folder)
        raise
    sync_folder(folder.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Lets two folders change places in one step; returns False where that is not possible."""
    # Python has no function for it: https://man7.org/linux/man-pages/man2/rename.2.html
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if exchange is None:
        return False
    paths = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    if exchange(*paths, _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))
