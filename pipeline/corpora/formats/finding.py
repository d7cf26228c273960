"""Finds the parallel text in files, folders and ZIP archives."""

import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from pipeline.corpora.formats import tsv
from pipeline.corpora.formats.aligned import read_aligned
from pipeline.corpora.formats.records import Format, Record
from pipeline.corpora.formats.registry import FORMATS, format_of
from pipeline.corpora.formats.text_file import Reading, TextFile
from pipeline.corpora.formats.translation_files import (
    PARTNERS,
    partner_format,
    partners,
    read_partners,
)
from pipeline.corpora.unpacking import COMPRESSED_SUFFIXES
from pipeline.errors import UserError
from pipeline.translation_files.entries import TranslationFormat
from text.languages import parse_language, usual_tag

_ZIP_MAGIC = b"PK\x03\x04"
_PROBED_LINES = 20
_NAMES_SHOWN = 5
_NOT_A_TAG = "."


@dataclass(frozen=True)
class ParallelText:
    """Both sides of a text: a file, or two aligned files.

    Attributes:
        name: the name for people, without folders.
        read: reads the records.
        is_table: whether records hold all columns of a table, to choose from.
    """

    name: str
    read: Callable[[Reading], Iterator[Record]]
    is_table: bool = False


def aligned_files(source: Path, target: Path) -> ParallelText:
    """Returns the text of two aligned files, or of two files of messages with the same keys.

    Raises:
        UserError: a file cannot be read, or holds both languages.
    """
    files = TextFile.at(source), TextFile.at(target)
    forms = [partner_format(_plain_name(file.name)) for file in files]
    if forms[0] and forms[0] is forms[1]:
        return _partners(forms[0], *files)
    for file in files:
        form = format_of(_plain_name(file.name))
        if form is not None and not form.is_table:
            raise UserError(
                f"{file.name} is {form.name}, which holds both languages: give it with --file."
            )
    return _aligned(*files)


def find_text(path: Path, reading: Reading) -> tuple[list[ParallelText], list[str]]:
    """Finds the text in a file, in a ZIP archive, or in a folder and the folders in it.

    Folders and archives hold files of known formats, and pairs of aligned files whose names differ
    in the language at their end: `books.en` and `books.de.gz`.

    Returns:
        The texts in the order of their names, and the names of files without parallel text.

    Raises:
        UserError: a file cannot be read, or there is no parallel text.
    """
    if not path.is_dir() and not is_zip(path):
        file = TextFile.at(path)
        form = format_of(_plain_name(file.name)) or _tsv_by_content(file, reading)
        if form is None:
            raise _unknown(path, "", reading)
        return [_text(file, form)], []
    inside = members(path)
    found, others = _find(inside, reading, f"{path}/")
    if not found:
        names = ", ".join(file.short_name for file in inside[:_NAMES_SHOWN]) or "nothing"
        raise _unknown(path, f", but {names}", reading)
    return found, others


def _unknown(path: Path, found: str, reading: Reading) -> UserError:
    formats = ", ".join(form.name for form in FORMATS)
    alone = ", ".join(form.name for form in PARTNERS)
    source, target = reading.languages
    form = partner_format(_plain_name(str(path)))
    if form is not None:
        return UserError(
            f"{path} is {form.name}, which holds one language: give it and the file of the other "
            "one with --source and --target, or the folder with both."
        )
    return UserError(
        f"{path} holds no text that nmt reads ({formats}, and, in a folder or ZIP archive, two "
        f"files that end in .{source} and .{target}, or two of {alone}){found}. Convert it to "
        "source TAB target lines, or give two aligned files with --source and --target."
    )


def _find(
    inside: Sequence[TextFile], reading: Reading, root: str
) -> tuple[list[ParallelText], list[str]]:
    found: dict[str, ParallelText] = {}
    pairs = _aligned_pairs(inside, reading.languages)
    for pair in pairs:
        found[pair[0].name] = _aligned(*pair)
    for kind, source, target in _partner_pairs(inside, reading.languages, root):
        found[target.name] = _partners(kind, source, target)
        pairs.append((source, target))
    in_pairs = {file.name for pair in pairs for file in pair}
    others: list[str] = []
    for file in inside:
        if file.name not in in_pairs:
            name = _plain_name(file.name)
            form = format_of(name)
            if form is None and file.packed_bytes and name.endswith(".txt"):
                form = _tsv_by_content(file, reading)
            if form is None:
                others.append(file.short_name)
            else:
                found[file.name] = _text(file, form)
    times = Counter(text.name for text in found.values())
    return [
        text if times[text.name] == 1 else replace(text, name=name.removeprefix(root))
        for name, text in sorted(found.items())
    ], others


def _partner_pairs(
    files: Sequence[TextFile], languages: tuple[str, str], root: str
) -> list[tuple[TranslationFormat, TextFile, TextFile]]:
    """Returns the files of messages whose paths differ only in the language."""
    by_name = {_plain_name(file.name).removeprefix(root): file for file in files}
    names = [name for name in by_name if partner_format(name)]
    return [
        (form, by_name[source], by_name[target])
        for source, target in partners(names, languages)
        if (form := partner_format(source)) and form is partner_format(target)
    ]


def _aligned_pairs(
    files: Sequence[TextFile], languages: tuple[str, str]
) -> list[tuple[TextFile, TextFile]]:
    """Returns the files whose names differ only in the language at their end."""
    by_stem: dict[str, dict[str, TextFile]] = {}
    for file in files:
        stem, _, suffix = _plain_name(file.name).removesuffix(".txt").rpartition(".")
        by_stem.setdefault(stem, {})[usual_tag(suffix.lower())] = file
    pairs = []
    for sides in by_stem.values():
        source, target = (_of_language(sides, language) for language in languages)
        if source is not None and target is not None and source is not target:
            pairs.append((source, target))
    return pairs


def _of_language(files: dict[str, TextFile], language: str) -> TextFile | None:
    """Returns the file of a language, or else of the same language in another region or script."""

    def base(tag: str) -> str:
        try:
            return parse_language(tag).base
        except ValueError:
            return _NOT_A_TAG

    exact = files.get(usual_tag(language))
    same = (file for tag, file in sorted(files.items()) if base(tag) == base(language))
    return exact or next(same, None)


def _tsv_by_content(file: TextFile, reading: Reading) -> Format | None:
    """Returns TSV if the first lines have tabs, or if there is no line."""
    start = list(islice(file.lines(reading), _PROBED_LINES))
    return tsv.FORMAT if not start or any("\t" in line for line in start) else None


def _plain_name(name: str) -> str:
    """Returns a name without the ending of a compression."""
    ending = next((each for each in COMPRESSED_SUFFIXES if name.lower().endswith(each)), "")
    return name[: len(name) - len(ending)]


def _text(file: TextFile, form: Format) -> ParallelText:
    return ParallelText(file.short_name, partial(form.read, file), form.is_table)


def _partners(form: TranslationFormat, source: TextFile, target: TextFile) -> ParallelText:
    name = f"{source.short_name} + {target.short_name}"
    return ParallelText(name, partial(read_partners, form, source, target))


def _aligned(source: TextFile, target: TextFile) -> ParallelText:
    name = f"{source.short_name} + {target.short_name}"
    return ParallelText(name, partial(read_aligned, source, target))


def is_zip(path: Path) -> bool:
    """Returns whether a file begins as a ZIP archive; False for a pipe.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        if path.exists() and not path.is_file():
            return False  # a pipe would lose what is read here
        with path.open("rb") as stream:
            return stream.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
    except OSError as error:
        raise UserError(f"Cannot read {path} ({error.strerror or error}).") from error


def members(path: Path) -> list[TextFile]:
    """Returns the files in a folder without the hidden ones, or in a ZIP archive.

    Raises:
        UserError: a file cannot be read.
    """
    if path.is_dir():
        return [
            file
            for each in sorted(path.iterdir())
            if not each.name.startswith(".")
            for file in (members(each) if each.is_dir() or is_zip(each) else [TextFile.at(each)])
        ]
    with _opened(path) as archive:
        return [
            TextFile(f"{path}/{each.filename}", partial(_open, path, each), each.compress_size)
            for each in archive.infolist()
            if not each.is_dir()
        ]


@contextmanager
def _open(path: Path, member: zipfile.ZipInfo) -> Iterator[BinaryIO]:
    with _opened(path) as archive, archive.open(member) as stream:
        yield cast(BinaryIO, stream)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (RuntimeError, NotImplementedError) as error:
        # A password, or a method of compression that Python lacks.
        raise UserError(
            f"{path} cannot be unpacked ({error}); pack it again with plain ZIP, without a "
            "password."
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError(f"{path} is a damaged ZIP archive; fetch or pack it again.") from error
