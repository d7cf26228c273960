"""The `multi30k` corpus: image captions, the benchmark of attention and multimodal translation.

Elliott et al., "Multi30K: Multilingual English-German Image Descriptions" (2016). The three splits
are the published ones, line for line, so scores can be compared with the literature.
"""

import gzip
import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path

from pipeline.corpora.download import Verification, download
from pipeline.corpora.folder import CorpusText
from pipeline.corpora.formats.text_file import Reading, TextFile
from pipeline.corpora.information import SPLITS, Split
from pipeline.corpora.progress import Progress, silent
from pipeline.corpora.unpacking import gunzip
from pipeline.errors import UserError
from text.sentences import Pair

BASE_URL = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw"
PUBLISHED_NAMES: dict[Split, str] = {
    "train": "train",
    "validation": "val",
    "test": "test_2016_flickr",
}
TEXT_CHECKSUMS = {
    "train.en": "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6",
    "train.de": "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72",
    "val.en": "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227",
    "val.de": "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660",
    "test_2016_flickr.en": "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
    "test_2016_flickr.de": "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
}
"""SHA-256 of the published text, decompressed, so it does not depend on the compressor."""
LICENCE = (
    "The text has no explicit licence; the images that it describes are for non-commercial "
    "research and education"
)
ORIGIN = "Multi30k, task 1, raw text, test_2016_flickr (https://github.com/multi30k/dataset)"
ALTERNATIVES = (
    "give a folder that holds the files with `nmt corpus multi30k --from DIR`, or use "
    "`nmt corpus debian`"
)


def make_multi30k(
    download_folder: Path,
    source: Path | None = None,
    progress: Progress = silent,
    *,
    base_url: str = BASE_URL,
    checksums: Mapping[str, str] = TEXT_CHECKSUMS,
    pause_seconds: float = 1.0,
) -> CorpusText:
    """Downloads Multi30k, or reads it from a folder.

    Args:
        download_folder: the folder for downloads.
        source: a folder with `train.en`, `train.de`, `val.*`, `test_2016_flickr.*`, plain or gzip,
            instead of a download.
        progress: called at each step.
        base_url: the address of the files.
        checksums: SHA-256 of each file's text.
        pause_seconds: pause before a second attempt to download.

    Raises:
        UserError: a file is missing, is not the published one or cannot be downloaded.
    """
    splits: dict[Split, list[Pair]] = {}
    for split in SPLITS:
        sides = []
        for language in ("en", "de"):
            name = f"{PUBLISHED_NAMES[split]}.{language}"
            verify = _text_verification(checksums[name])
            if source is None:
                path = download(
                    f"{base_url}/{name}.gz",
                    download_folder / f"{name}.gz",
                    verify,
                    alternatives=ALTERNATIVES,
                    progress=progress,
                    pause_seconds=pause_seconds,
                )
            else:
                path = _local_file(source, name, verify)
            sides.append(list(TextFile.at(path).lines(Reading())))
        splits[split] = list(zip(*sides, strict=True))
    return CorpusText(
        name="multi30k",
        source_language="en",
        target_language="de",
        licence=LICENCE,
        origin=ORIGIN,
        splits=splits,
    )


def _local_file(folder: Path, name: str, verify: Verification) -> Path:
    path = next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)
    if path is None:
        raise UserError(
            f"{folder} has neither {name} nor {name}.gz; --from takes a folder with "
            f"{', '.join(PUBLISHED_NAMES.values())}, each as .en and .de, plain or gzip."
        )
    if complaint := verify(path):
        raise UserError(
            f"{path} is not the published Multi30k text ({complaint}); take the original files, or "
            "bring your own with `nmt corpus import`."
        )
    return path


def _text_verification(checksum: str) -> Verification:
    def verify(path: Path) -> str | None:
        data = path.read_bytes()
        try:
            text = gunzip(data, path)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return "the gzip file is damaged"
        found = hashlib.sha256(text).hexdigest()
        return None if found == checksum else f"its SHA-256 is {found[:12]}, not {checksum[:12]}"

    return verify
