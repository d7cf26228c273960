"""The `tatoeba` corpus: everyday sentences in English and German.

One English sentence has many German variants, so the split is by the English side.
"""

import hashlib
import zipfile
import zlib
from pathlib import Path

from pipeline.corpora.download import download
from pipeline.corpora.folder import CorpusText
from pipeline.corpora.formats.finding import is_zip, members
from pipeline.corpora.formats.text_file import Reading, TextFile
from pipeline.corpora.parallel_files import corpus_of_pairs, read_texts, tsv_text
from pipeline.corpora.progress import Progress, silent
from pipeline.errors import UserError

URL = "https://www.manythings.org/anki/deu-eng.zip"
LICENCE = (
    "CC BY 2.0 (https://creativecommons.org/licenses/by/2.0/), www.manythings.org and tatoeba.org"
)
ALTERNATIVES = (
    "give a file that you have with `nmt corpus tatoeba --from FILE`, or use `nmt corpus debian`"
)
EVALUATION_PAIRS = 2_000
_SENTENCES_IN_ZIP = "deu.txt"
_MIN_USABLE_SHARE = 0.9


def make_tatoeba(
    download_folder: Path,
    source: Path | None = None,
    progress: Progress = silent,
    *,
    url: str = URL,
    evaluation_pairs: int = EVALUATION_PAIRS,
    pause_seconds: float = 1.0,
) -> CorpusText:
    """Downloads the sentence pairs, or reads them from a file.

    Args:
        download_folder: the folder for the download.
        source: a TSV file, plain, gzip or in a ZIP archive, instead of a download. Its columns are
            English, German and, optionally, the attribution.
        progress: called at each step.
        url: the address of the archive. The archive grows with Tatoeba, so its structure is
            verified and its checksum recorded with the origin.
        evaluation_pairs: number of pairs in validation and in test, each.
        pause_seconds: pause before a second attempt to download.

    Raises:
        UserError: the file is missing, has another format, or cannot be downloaded.
    """
    path = source or download(
        url,
        download_folder / "deu-eng.zip",
        _archive_complaint,
        alternatives=ALTERNATIVES,
        progress=progress,
        pause_seconds=pause_seconds,
    )
    file, checksum = _sentences(path)
    progress("Splitting", 0, None)
    pairs, rejected = read_texts([tsv_text(file)], Reading(columns=("1", "2")))
    if len(pairs) < _MIN_USABLE_SHARE * (len(pairs) + len(rejected)):
        raise UserError(
            f"{path} does not look like the pairs of manythings.org ({len(rejected)} of "
            f"{len(pairs) + len(rejected)} lines are not English, TAB, German); {ALTERNATIVES}."
        )
    wanted = max(1, min(evaluation_pairs, len(pairs) // 20))
    return corpus_of_pairs(
        (pairs, rejected),
        name="tatoeba",
        languages=("en", "de"),
        licence=LICENCE,
        origin=f"Tatoeba by way of manythings.org/anki, {path.name}, SHA-256 {checksum}",
        validation=wanted,
        test=wanted,
    )


def _sentences(path: Path) -> tuple[TextFile, str]:
    """Returns the file with the pairs, and the checksum of `path`."""
    file = TextFile.at(path)
    with file.open() as stream:
        checksum = hashlib.sha256(stream.read()).hexdigest()
    if not is_zip(path):
        return file, checksum
    for member in members(path):
        if member.short_name == _SENTENCES_IN_ZIP:
            return member, checksum
    raise UserError(f"{path} is no ZIP archive with {_SENTENCES_IN_ZIP} in it; {ALTERNATIVES}.")


def _archive_complaint(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            if _SENTENCES_IN_ZIP not in archive.namelist():
                return f"there is no {_SENTENCES_IN_ZIP} in it"
            damaged = archive.testzip()
            return f"{damaged} in it is damaged" if damaged else None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return "it is no ZIP archive"
