"""Imports a user's files, with their own validation and test sets if there are any."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.corpora.folder import CorpusText, RejectedLine
from pipeline.corpora.formats.finding import ParallelText, aligned_files, find_text
from pipeline.corpora.formats.text_file import Reading
from pipeline.corpora.information import SPLITS, TAKEN, Split
from pipeline.corpora.parallel_files import ReadPairs, corpus_of_pairs, read_texts
from pipeline.corpora.progress import Progress, silent
from pipeline.corpora.rows import PackedRows
from pipeline.errors import UserError

_NAMES_SHOWN = 3


@dataclass(frozen=True)
class Files:
    """The files of a split.

    Attributes:
        sources: files of source text.
        targets: files with their translations, in the same order.
        both: files, folders and archives with both sides.
    """

    sources: Sequence[Path] | None = None
    targets: Sequence[Path] | None = None
    both: Sequence[Path] | None = None

    def __bool__(self) -> bool:
        return bool(self.sources or self.targets or self.both)


def import_corpus(
    files: Mapping[Split, Files],
    reading: Reading,
    *,
    name: str,
    licence: str,
    sizes: Mapping[Split, int | None],
    progress: Progress = silent,
) -> CorpusText:
    """Reads the files of a corpus, and splits off the validation and test sets not among them.

    Args:
        files: the files by split; those of validation and test may be left out.
        reading: what to know of the files besides their content.
        name: the name of the corpus.
        licence: the terms of the text.
        sizes: the wanted number of pairs by split; None for the default.
        progress: called at each step.

    Raises:
        UserError: the files do not fit together, cannot be read, or hold too little text.
    """
    _check(files, reading, sizes)
    texts = {split: _find(files[split], reading, progress) for split in SPLITS if files.get(split)}
    read: dict[Split, ReadPairs] = {}
    counts: dict[str, Counter[str]] = {}
    for split, found in texts.items():
        rows, rejected = PackedRows(), list[RejectedLine]()
        for text in found:
            pairs, left = read_texts([text], reading, is_whole=split != "train", progress=progress)
            rows.lines += pairs.lines
            rejected += left
            count = counts.setdefault(text.name, Counter({TAKEN: 0}))
            count.update({TAKEN: len(pairs)})
            count.update(line.reason for line in left)
        read[split] = (rows, rejected)
        if split != "train" and not read[split][0]:
            names = _listed([text.name for text in found])
            raise UserError(f"{names} is empty; give a {split} set with text.")
    corpus = corpus_of_pairs(
        read["train"],
        name=name,
        languages=reading.languages,
        licence=licence,
        origin="; ".join(
            _listed([text.name for text in found]) + ("" if split == "train" else f" ({split})")
            for split, found in texts.items()
        ),
        validation=sizes["validation"],
        test=sizes["test"],
        features=reading.features,
        given={split: rows for split, (rows, _) in read.items() if split != "train"},
    )
    return replace(corpus, files=counts)


def _check(
    files: Mapping[Split, Files], reading: Reading, sizes: Mapping[Split, int | None]
) -> None:
    for split in SPLITS:
        given = files.get(split) or Files()
        sources, targets = (len(side or ()) for side in (given.sources, given.targets))
        prefix = "--" if split == "train" else f"--{split}-"
        if split == "train" and not given:
            raise UserError("Give text with --source and --target, or with --file.")
        if sources != targets:
            raise UserError(
                f"There are {sources} {prefix}source and {targets} {prefix}target: give a target "
                "for each source, in the same order."
            )
        if sources and reading.features:
            raise UserError(
                f"--feature names a column of a {prefix}file file; give the text as such a file."
            )
        if given and sizes.get(split):
            raise UserError(f"Give either --{split} or your own {split} set, not both.")


def _find(files: Files, reading: Reading, progress: Progress) -> list[ParallelText]:
    found = [
        aligned_files(*pair) for pair in zip(files.sources or (), files.targets or (), strict=True)
    ]
    for path in files.both or ():
        texts, others = find_text(path, reading)
        found += texts
        if others:
            progress(f"Leaving out what is no parallel text: {', '.join(others)}", 0, None)
    return found


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
