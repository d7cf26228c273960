"""Finds corpora by name, and makes the missing ones."""

import dataclasses
import fcntl
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from functools import partial
from importlib import import_module
from pathlib import Path

from pipeline.corpora.debian import debian_code, make_debian
from pipeline.corpora.folder import (
    INFORMATION_FILE,
    CorpusText,
    check_destination,
    load_corpus,
    read_information,
    tidy,
    write_corpus,
)
from pipeline.corpora.information import CorpusInfo
from pipeline.corpora.overlap import count_overlaps
from pipeline.corpora.packages.making import make_general
from pipeline.corpora.packages.registry import DOMAINS
from pipeline.corpora.progress import Progress, silent
from pipeline.corpora.shipped import FIXED, SHIPPED
from pipeline.errors import UserError
from text.languages import usual_tag

DEFAULT_TARGET = "de"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")


def corpus_folder(name: str, workspace: Path) -> Path:
    """Returns the folder of a corpus."""
    return workspace / "corpora" / name


def corpus_name(name: str, target_language: str | None = None) -> str:
    """Returns the full name of a corpus: one by apt includes its language, unless German.

    Raises:
        UserError: the corpus does not have this target language.
    """
    if base := _by_apt(name):
        in_name = name.removeprefix(base).removeprefix("-")
        if in_name and target_language and debian_code(target_language) != in_name:
            raise UserError(f"The corpus {name} is not for the target language {target_language}.")
        language = in_name or debian_code(target_language or DEFAULT_TARGET)
        return base if language == DEFAULT_TARGET else f"{base}-{language}"
    if name in FIXED and target_language not in (None, FIXED[name].target_language):
        raise UserError(
            f"The corpus {name} translates into {FIXED[name].target_language} only; `nmt corpus "
            f"debian --target {target_language}` and `nmt corpus import` have other languages."
        )
    return name


def _by_apt(name: str) -> str | None:
    """Returns `debian` for `debian` and `debian-fr`, as for `general`; None for other corpora."""
    base = name.partition("-")[0]
    return base if base in ("debian", "general") else None


def check_own_name(name: str) -> None:
    """Raises UserError if `name` is not allowed for an imported corpus."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r} is not a name for a corpus: use at most 100 lower-case letters, digits "
            "and hyphens."
        )
    if name in SHIPPED or _by_apt(name):
        raise UserError(f"{name} is the name of a corpus that nmt makes; choose another --name.")


def prepare_corpus(
    name: str,
    workspace: Path,
    *,
    target_language: str | None = None,
    progress: Progress = silent,
) -> CorpusInfo:
    """Verifies an existing corpus or makes a missing one, and returns its information.

    Args:
        name: the name of a shipped corpus, `debian-<language>`, the name of an imported corpus, or
            the path of a corpus folder with a slash in it.
        workspace: the root folder of the workspace.
        target_language: another target language than German, for `debian`.
        progress: called at each step.

    Raises:
        UserError: the corpus is damaged or unknown, or cannot be made here; the message gives
            alternatives.
        RunFailedError: the disk is full.
    """
    if "/" in name:
        return load_corpus(Path(name).expanduser())
    full_name = corpus_name(name, target_language)
    folder = corpus_folder(full_name, workspace)
    tidy(folder)
    if not folder.exists():
        return _make(full_name, workspace, None, _Existing.USED, progress)
    information = load_corpus(folder)
    if target_language and usual_tag(information.target_language) != usual_tag(target_language):
        raise UserError(
            f"The corpus {full_name} translates into {information.target_language}, "
            f"not {target_language}."
        )
    return information


def make_corpus(
    name: str,
    workspace: Path,
    *,
    target_language: str | None = None,
    source: Path | None = None,
    domains: Sequence[str] = DOMAINS,
    replace: bool = False,
    progress: Progress = silent,
) -> CorpusInfo:
    """Makes one of the shipped corpora, from the network or from `source`.

    Args:
        name: as for `prepare_corpus`.
        workspace: the root folder of the workspace.
        target_language: another target language than German, for `debian`.
        source: a local copy, not for `debian`.
        domains: domains of the packages with text, for `general`.
        replace: whether to replace an existing corpus of this name.
        progress: called at each step.

    Raises:
        UserError, RunFailedError: as for `prepare_corpus`.
    """
    existing = _Existing.REPLACED if replace else _Existing.REFUSED
    full_name = corpus_name(name, target_language)
    return _make(full_name, workspace, source, existing, progress, domains)


class _Existing(Enum):
    """What becomes of a corpus that is there already."""

    REFUSED = 1
    REPLACED = 2
    USED = 3


def _make(
    full_name: str,
    workspace: Path,
    source: Path | None,
    existing: _Existing,
    progress: Progress,
    domains: Sequence[str] = DOMAINS,
) -> CorpusInfo:
    folder = corpus_folder(full_name, workspace)
    make_text = _maker(full_name, workspace, source, domains)
    replace = existing is _Existing.REPLACED
    with _only_maker(folder.parent, progress):
        if existing is _Existing.USED and folder.exists():  # another process has made it meanwhile
            return load_corpus(folder)
        check_destination(folder, replace=replace)
        corpus = make_text(progress)
        if corpus.packages:
            progress("Comparing with other corpora", 0, None)
            overlaps = count_overlaps(corpus.splits["train"], _comparable(corpus, workspace))
            corpus = dataclasses.replace(corpus, overlaps=overlaps)
        progress(f"Writing {folder}", 0, None)
        return write_corpus(corpus, folder, replace=replace)


def _comparable(corpus: CorpusText, workspace: Path) -> Iterator[tuple[str, Path]]:
    """Yields the names and folders of the other corpora in the same languages."""
    languages = usual_tag(corpus.source_language), usual_tag(corpus.target_language)
    for other in corpora_in(workspace):
        theirs = usual_tag(other.source_language), usual_tag(other.target_language)
        if theirs == languages and other.name != corpus.name:
            yield other.name, corpus_folder(other.name, workspace)


def _maker(
    full_name: str, workspace: Path, source: Path | None, domains: Sequence[str]
) -> Callable[[Progress], CorpusText]:
    """Returns the function that makes the text of a shipped corpus."""
    if source is not None and not source.exists():
        raise UserError(f"{source} does not exist; give an existing file or folder with --from.")
    downloads = workspace / "downloads"
    if base := _by_apt(full_name):
        language = full_name.removeprefix(base).removeprefix("-") or DEFAULT_TARGET
        if base == "general":
            return partial(make_general, full_name, downloads / "apt", language, domains)
        return partial(make_debian, full_name, downloads / "apt", language)
    if full_name in FIXED:
        module, _, function = FIXED[full_name].maker.partition(":")
        make = getattr(import_module(module), function)
        return partial(make, downloads / full_name, source)
    own = [info.name for info in corpora_in(workspace)]
    raise UserError(
        f"There is no corpus {full_name!r}; there are {', '.join([*SHIPPED, *own])}, and "
        f"`nmt corpus import --name {full_name}` makes one of your own text."
    )


@contextmanager
def _only_maker(folder: Path, progress: Progress) -> Iterator[None]:
    """Lets one process at a time make a shipped corpus in a folder; the others wait.

    Downloads share a folder, and apt refuses a second process. The kernel releases the lock if the
    process dies.

    Args:
        folder: the folder of all corpora of a workspace.
        progress: called before a wait.

    Raises:
        UserError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(
            f"Cannot write {folder} ({error.strerror}); choose another --workspace."
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"Waiting for another process that makes a corpus in {folder}", 0, None)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def corpora_in(workspace: Path) -> list[CorpusInfo]:
    """Reads the information about all corpora of a workspace, by name, without verification."""
    return [
        read_information(path.parent)
        for path in sorted((workspace / "corpora").glob(f"[!.]*/{INFORMATION_FILE}"))
    ]
