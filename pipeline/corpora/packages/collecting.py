"""Fetches the packages of the registry and collects their texts."""

import re
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.corpora.apt import Package, PrivateApt
from pipeline.corpora.packages.archive import licence_of, read_members
from pipeline.corpora.packages.cleaning import clean_pairs
from pipeline.corpora.packages.kind import (
    BilingualKind,
    ParallelKind,
    Place,
    folder_names,
    three_letters,
)
from pipeline.corpora.packages.registry import KINDS, SOURCES, Source
from pipeline.corpora.progress import Progress, silent
from pipeline.errors import UserError
from text.languages import parse_language
from text.sentences import LengthRatio, Pair, usual_ratio

NOT_IN_ARCHIVE = "not in the archive"
NO_PACKAGE = "not there for this language"
NOT_FETCHED = "could not be fetched"
NO_TEXT = "without text in this language"


@dataclass
class PackageText:
    """The text of one package in one domain.

    Attributes:
        package: the package. For documents and translations in two packages, that of the original.
        domain: the domain.
        pairs: the pairs.
        licence: the names of its licences.
        dropped: number of dropped pairs and unreadable files by reason.
        is_used: whether the package has text in both languages, or one side of another's text.
    """

    package: Package
    domain: str
    pairs: list[Pair] = field(default_factory=list)
    licence: str = ""
    dropped: Counter[str] = field(default_factory=Counter)
    is_used: bool = False


@dataclass(frozen=True)
class Collected:
    """The texts of all packages, and what is missing.

    Attributes:
        texts: the texts, those without pairs as well.
        missing: reasons by name of a package.
        complaint: the first complaint of apt; empty if none.
    """

    texts: list[PackageText]
    missing: dict[str, str]
    complaint: str


def collect_packages(
    apt: PrivateApt,
    folder: Path,
    language: str,
    domains: Collection[str],
    progress: Progress = silent,
) -> Collected:
    """Fetches the packages of some domains, and reads their texts.

    Args:
        apt: apt with fetched lists.
        folder: the folder for packages. Those that are there already are used.
        language: the code of the target language, as Debian writes it.
        domains: domains of the registry.
        progress: called at each step.

    Raises:
        UserError: dpkg-deb is not on this machine, or the folder cannot be written.
    """
    sources = [source for source in SOURCES if source.domain in domains]
    matches, missing = _matching(sources, apt.package_names(), language)
    packages = apt.packages(sorted({name for names in matches.values() for name in names}))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"Cannot write {folder} ({error.strerror}); choose another --workspace."
        ) from error
    complaint = apt.download(packages.values(), folder, progress)
    if complaint:
        progress(f"Continuing without some packages; apt reports: {complaint}", 1, 1)
    for package in packages.values():
        _remove_other_versions(package, folder)
    here = {name: package for name, package in packages.items() if package.is_in(folder)}
    texts: dict[tuple[str, str], PackageText] = {}
    for number, source in enumerate(sources):
        for name in matches[source]:
            if name not in here:
                missing[name] = NOT_FETCHED if name in packages else NOT_IN_ARCHIVE
        found = [here[name] for name in matches[source] if name in here]
        progress("Reading packages", number, len(sources))
        _read_source(source, found, folder, language, texts)
    progress("Reading packages", len(sources), len(sources))
    used = {text.package.name for text in texts.values() if text.is_used}
    missing |= {name: NO_TEXT for name in here if name not in used}
    _clean(list(texts.values()), language, progress)
    return Collected(list(texts.values()), missing, complaint)


def _remove_other_versions(package: Package, folder: Path) -> None:
    for path in folder.glob(f"{package.name}_*.deb"):
        if path.name != package.file_name:
            path.unlink()


def _matching(
    sources: Iterable[Source], names: list[str], language: str
) -> tuple[dict[Source, list[str]], dict[str, str]]:
    """Returns the names of packages by source, and the reasons for patterns without one."""
    code, letters = parse_language(language).tag.lower(), three_letters(language)
    known = set(names)
    matches: dict[Source, list[str]] = {}
    missing: dict[str, str] = {}
    for source in sources:
        matches[source] = []
        for template in source.packages.split():
            if "{iso3}" in template and not letters:
                continue
            pattern = template.replace("{language}", code).replace("{iso3}", letters)
            regex = re.compile(pattern)
            found = [pattern] if pattern in known else list(filter(regex.fullmatch, names))
            matches[source] += found
            if not found:
                missing[pattern] = NOT_IN_ARCHIVE if pattern == template else NO_PACKAGE
    return matches, missing


def _read_source(
    source: Source,
    packages: list[Package],
    folder: Path,
    language: str,
    texts: dict[tuple[str, str], PackageText],
) -> None:
    """Adds the pairs of a source's packages, not yet cleaned, to their texts."""
    kind = KINDS[source.kind]
    names = folder_names(language)
    waiting: dict[str, tuple[Place, PackageText, bytes]] = {}

    for package in packages:
        text = texts.setdefault((package.name, source.domain), PackageText(package, source.domain))
        copyright_path = f"usr/share/doc/{package.name}/copyright"

        def is_wanted(path: str, copyright_path: str = copyright_path) -> bool:
            if path == copyright_path:
                return True
            if isinstance(kind, BilingualKind):
                return kind.is_file(path, names)
            return kind.place(path, names) is not None

        try:
            for path, content in read_members(folder / package.file_name, is_wanted):
                if path == copyright_path:
                    text.licence = licence_of(content.decode("utf-8", errors="replace"))
                elif isinstance(kind, BilingualKind):
                    _add(text, kind.read, content)
                else:
                    place = kind.place(path, names)
                    assert place is not None
                    _add_document(kind, place, text, content, waiting)
        except ValueError as error:
            text.dropped[str(error)] += 1


def _add(text: PackageText, read: Callable[..., Iterable[Pair]], *contents: bytes) -> None:
    text.is_used = True
    try:
        text.pairs += read(*contents)
    except ValueError:
        text.dropped["unreadable file"] += 1


def _add_document(
    kind: ParallelKind,
    place: Place,
    text: PackageText,
    content: bytes,
    waiting: dict[str, tuple[Place, PackageText, bytes]],
) -> None:
    """Reads a document if its other side was seen, and else keeps it, compressed."""
    other = waiting.get(place.key)
    if other is None or other[0].side == place.side:
        waiting[place.key] = (place, text, zlib.compress(content, 1))
        return
    del waiting[place.key]
    other[1].is_used = text.is_used = True
    other_content = zlib.decompress(other[2])
    if place.side == "source":
        original, contents = text, (content, other_content)
    else:
        original, contents = other[1], (other_content, content)

    def read(source: bytes, target: bytes) -> list[Pair]:
        blocks = kind.read(source), kind.read(target)
        pairs = kind.join(*blocks)
        if len(pairs) < len(blocks[0]):
            original.dropped["blocks do not correspond"] += len(blocks[0]) - len(pairs)
        return pairs

    _add(original, read, *contents)


def _clean(texts: list[PackageText], language: str, progress: Progress) -> None:
    ratio = LengthRatio(usual_ratio(pair for text in texts for pair in text.pairs))
    for number, text in enumerate(texts):
        progress("Cleaning the text", number, len(texts))
        text.pairs, dropped = clean_pairs(text.pairs, ("en", language), ratio)
        text.dropped += dropped
    progress("Cleaning the text", len(texts), len(texts))
