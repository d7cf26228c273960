"""Better translations that users suggest: collected in a file, then accepted as a span.

The file lies in the corpus folder, under a name that no run reads. It is replaced as a whole, so a
killed process leaves no half line, and a lock on the folder keeps programs apart. A span appears
under its name when it is complete.
"""

import fcntl
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.parallel_text import LineLimits, Rejection, parse_line
from pipeline.corpora.folder import (
    SUGGESTIONS_FILE,
    read_information,
    sync_folder,
    write_file,
)
from pipeline.corpora.parallel_files import checked_row
from pipeline.corpora.spans import read_numbered, span_numbers
from pipeline.corpora.text import Row
from pipeline.errors import UserError
from serving.web.settings import SuggestionRefused

_MOST_BYTES = 4 << 20
_SHARD = "train-00000-of-00001.tsv"


@dataclass(frozen=True)
class Accepted:
    """What became of the suggestions of a corpus."""

    span: str | None
    """The new folder; None if the corpus had all pairs."""
    pairs: int
    known: int
    """Pairs left out, because the corpus has them."""


class SuggestionFile:
    """Collects suggestions for a corpus.

    Args:
        folder: the folder of the corpus.
        limits: of a pair, those of the runs.

    Raises:
        UserError: there is no corpus.
    """

    def __init__(self, folder: Path, limits: LineLimits) -> None:
        self._folder = folder
        self._limits = limits
        self._features = read_information(folder).features

    @property
    def path(self) -> Path:
        """The file."""
        return self._folder / SUGGESTIONS_FILE

    def add(self, source: str, target: str) -> None:
        """Adds a pair, with empty features. One that is there already is not added again.

        Raises:
            SuggestionRefused: a run would reject the pair, or the file is full.
            OSError: the file cannot be written; it is as it was.
        """
        row, reason = checked_row([source, target, *[""] * len(self._features)])
        line = "\t".join(row).encode("utf-8")
        if not reason and any(unicodedata.category(sign) == "Cc" for text in row for sign in text):
            reason = "control character"
        if not reason:
            verdict = parse_line(line, self._limits, self._features)
            if isinstance(verdict, Rejection):
                reason = f"{verdict.reason.replace('_', ' ')}, {verdict.detail}"
        if reason:
            raise SuggestionRefused(f"A model cannot be trained on this suggestion ({reason}).")
        with _locked(self._folder):
            lines = _lines(self.path)
            if line in lines:
                return
            data = b"".join(each + b"\n" for each in (*lines, line))
            if len(data) > _MOST_BYTES:
                raise SuggestionRefused(
                    f"{SUGGESTIONS_FILE} is full. Accept its pairs with `nmt corpus suggestions`."
                )
            _replace(self.path, data)


def read_suggestions(folder: Path) -> list[Row]:
    """Reads the suggestions of a corpus.

    Raises:
        UserError: there is no corpus, or a line was damaged by hand.
    """
    features = read_information(folder).features
    rows: list[Row] = []
    for number, line in enumerate(_lines(folder / SUGGESTIONS_FILE), start=1):
        cells = line.decode("utf-8", "surrogateescape").split("\t")
        row: Row = ("", "")
        reason = "wrong number of columns"
        if len(cells) == 2 + len(features):
            row, reason = checked_row(cells)
        if reason:
            raise UserError(
                f"Line {number} of {folder / SUGGESTIONS_FILE} is malformed ({reason}): mend it or "
                "take it out."
            )
        rows.append(row)
    return list(dict.fromkeys(rows))


def accept_suggestions(folder: Path) -> Accepted:
    """Makes the suggestions of a corpus its next span, and empties their file.

    Raises:
        UserError: there are no suggestions, or a line was damaged by hand.
    """
    with _locked(folder):
        rows = read_suggestions(folder)
        if not rows:
            raise UserError(
                f"There are no suggestions in {folder}; `nmt web --suggestions` collects them."
            )
        known = {(pair.source, pair.target) for pair in read_numbered(folder, "train")}
        new = [row for row in rows if row[:2] not in known]
        span = _write_span(folder, new) if new else None
        # Killed before this line, the next call finds all pairs in the span.
        (folder / SUGGESTIONS_FILE).unlink()
        sync_folder(folder)
    return Accepted(span, len(new), len(rows) - len(new))


def _write_span(folder: Path, rows: list[Row]) -> str:
    for abandoned in folder.glob(".span-*.partial"):
        shutil.rmtree(abandoned, ignore_errors=True)
    building = Path(tempfile.mkdtemp(prefix=".span-", suffix=".partial", dir=folder))
    building.chmod(0o755)
    write_file(building / _SHARD, "".join("\t".join(row) + "\n" for row in rows).encode("utf-8"))
    sync_folder(building)
    name = f"span-{max(span_numbers(folder), default=0) + 1}"
    building.rename(folder / name)
    return name


def _lines(path: Path) -> list[bytes]:
    try:
        return [line for line in path.read_bytes().split(b"\n") if line.strip()]
    except FileNotFoundError:
        return []


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        write_file(partial, data)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
