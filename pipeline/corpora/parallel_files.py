"""Imports a user's own parallel text, in any of the registered formats.

Malformed lines are set aside with their numbers and counted. They are an error only if no usable
line is left.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from components.parallel_text import feature_problem
from pipeline.corpora.folder import CorpusText, RejectedLine
from pipeline.corpora.formats import tsv
from pipeline.corpora.formats.columns import WRONG_COLUMNS, chosen_columns
from pipeline.corpora.formats.finding import ParallelText, aligned_files
from pipeline.corpora.formats.records import LineCountError
from pipeline.corpora.formats.text_file import Reading, TextFile, spelled_out
from pipeline.corpora.information import Split
from pipeline.corpora.progress import Progress, silent
from pipeline.corpora.rows import PackedRows
from pipeline.corpora.shifted import Shift, ShiftFinder
from pipeline.corpora.splitting import MOST_TIMES_WANTED, split_by_size
from pipeline.corpora.text import Row, one_line
from pipeline.errors import UserError
from text.characters import LONE_SURROGATE

MAX_CHARACTERS = 10_000
DEFAULT_EVALUATION_PAIRS = 1_000
_DEFAULT_EVALUATION_SHARE = 0.05
_QUOTED_CHARACTERS = 500

ReadPairs = tuple[PackedRows, list[RejectedLine]]


def read_tsv(path: Path, features: Sequence[str] = (), columns: Sequence[str] = ()) -> ReadPairs:
    """Reads `source<TAB>target` lines, with one more column for each feature.

    Args:
        path: the file, plain or compressed.
        features: names of the further columns.
        columns: names or numbers of the columns to read; empty for all.

    Returns:
        The pairs with the values of their features, and the malformed lines.
    """
    text = tsv_text(TextFile.at(path))
    return read_texts([text], Reading(columns=tuple(columns), features=tuple(features)))


def read_aligned(source: Path, target: Path) -> ReadPairs:
    """Reads two aligned files: line n of one is the translation of line n of the other.

    Raises:
        UserError: a file cannot be read, or the numbers of lines differ.
    """
    return read_texts([aligned_files(source, target)], Reading())


def tsv_text(file: TextFile) -> ParallelText:
    """Returns the text of a TSV file of any name."""
    return ParallelText(file.short_name, lambda reading: tsv.read_tsv(file, reading), is_table=True)


def read_texts(
    texts: Sequence[ParallelText],
    reading: Reading,
    *,
    is_whole: bool = False,
    progress: Progress = silent,
) -> ReadPairs:
    """Reads several texts, one after the other.

    Args:
        texts: the texts.
        reading: what to know of them besides their content.
        is_whole: whether every line is taken as it is, as for a validation or test set.
        progress: called for each text.

    Returns:
        The pairs with the values of their features, and the malformed lines. Without `is_whole`,
        letters and their marks are composed, and invisible characters are left out.

    Raises:
        UserError: a text cannot be read, or is shifted; or a line cannot be taken as it is.
    """
    rows = PackedRows()
    rejected: list[RejectedLine] = []
    for text in texts:
        progress(f"Reading {text.name}", 0, None)
        try:
            _read(text, reading, is_whole, rows, rejected)
        except MemoryError as error:
            rows.lines.clear()
            raise UserError(
                f"{text.name} is larger than this machine's memory; divide it."
            ) from error
    return rows, rejected


def _read(
    text: ParallelText,
    reading: Reading,
    is_whole: bool,
    rows: PackedRows,
    rejected: list[RejectedLine],
) -> None:
    shifts = ShiftFinder()
    try:
        for line, cells, left_out in chosen_columns(text, reading):
            if not left_out:
                shifts.add(line, cells[0], cells[1])
            row: Row = ("", "")
            reason = left_out
            if not reason:
                row, reason = checked_row(cells, is_whole=is_whole)
            if not reason:
                rows.append(row)
                continue
            if is_whole and left_out in ("", WRONG_COLUMNS):
                raise UserError(
                    f"Line {line} of {text.name} cannot be taken as it is ({reason}). A validation "
                    "or test set is taken whole, so mend the line or take it out."
                )
            quoted = spelled_out("\t".join(cells)[:_QUOTED_CHARACTERS])
            rejected.append(RejectedLine(text.name, line, reason, quoted))
    except LineCountError as error:
        if shift := shifts.find():
            raise UserError(f"{error} {_shifted(text.name, shift)}") from error
        raise
    if shift := shifts.find():
        raise UserError(f"{_shifted(text.name, shift)} Nothing was imported.")


def _shifted(name: str, shift: Shift) -> str:
    where = f"n {'+' if shift.offset > 0 else '-'} {abs(shift.offset)}"
    return (
        f"{name} is shifted: from about line {shift.line} on, source line n belongs to target "
        f"line {where} (offset {shift.offset:+d}). Look there for a line that is missing or one "
        "too many."
    )


def checked_row(cells: Sequence[str], *, is_whole: bool = False) -> tuple[Row, str]:
    """Checks the cells of a line.

    Args:
        cells: source, target and the values of the features.
        is_whole: whether the texts are taken as they are.

    Returns:
        The row, made fit for a line unless `is_whole`, and the reason against it, or nothing.
    """
    reason = ""
    source, target, *values = map(one_line, cells)
    if any("\0" in cell for cell in cells):
        reason = "NUL byte"
    elif any(not cell.isascii() and LONE_SURROGATE.search(cell) for cell in cells):
        reason = "invalid UTF-8"
    elif not source or not target:
        reason = "empty side"
    elif max(len(source), len(target)) > MAX_CHARACTERS:
        reason = f"more than {MAX_CHARACTERS} characters"
    elif any(map(feature_problem, values)):
        reason = "feature that is too long or cannot be printed"
    elif is_whole and any("\t" in cell or "\n" in cell for cell in cells):
        reason = "a tab or line end in a text"
    if is_whole:
        source, target, *values = cells
    return (source, target, *values), reason


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
    given: Mapping[Split, Sequence[Row]] | None = None,
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
        given: validation or test sets, to keep as they are. Pairs with one of their sentences,
            except for case, digits and punctuation, are dropped.

    Raises:
        UserError: there are no usable pairs, or not enough for all splits.
    """
    pairs, rejected = read
    if not pairs:
        reasons = sorted({line.reason for line in rejected}) or ["no lines"]
        raise UserError(f"There is no usable sentence pair in {origin}: {', '.join(reasons)}.")
    default = max(1, min(DEFAULT_EVALUATION_PAIRS, int(len(pairs) * _DEFAULT_EVALUATION_SHARE)))
    given = given or {}
    asked: dict[Split, int | None] = {"validation": validation, "test": test}
    wanted = {split: count or default for split, count in asked.items() if split not in given}
    if sum(wanted.values()) >= len(pairs):
        numbers = " and ".join(f"{count} {split}" for split, count in wanted.items())
        raise UserError(
            f"{numbers} pairs leave nothing to train on: {origin} has {len(pairs)} usable pairs."
        )
    splits, dropped = split_by_size(pairs, wanted, given)
    empty = [split for split, content in splits.items() if not content]
    if empty:
        found = sum(count for reason, count in dropped.items() if reason != "duplicate")
        also = f"{found} are in your own sets, and " if found else ""
        raise UserError(
            f"Nothing is left for {' and '.join(empty)}: of the {len(pairs)} usable pairs in "
            f"{origin} {also}too few differ from all others in words; add more text."
        )
    for split, count in wanted.items():
        if asked[split] and len(splits[split]) * MOST_TIMES_WANTED < count:
            raise UserError(
                f"Only {len(splits[split])} of {count} {split} pairs differ enough from all "
                f"others: ask for fewer with --{split}, or give your own with --{split}-source."
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
