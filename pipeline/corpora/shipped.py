"""The corpora made by `nmt corpus`. A new corpus needs a module with a function, and a row here."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class FixedCorpus:
    """A corpus of one pair of languages.

    Attributes:
        maker: the function to make it, as `module:name`. The function takes the folder for
            downloads, the path of a local copy or None, and a `Progress`, and returns a
            `CorpusText`.
        description: a description in one line.
        copy_metavar, copy_help: help texts for the value of `--from`.
        target_language: the code of the target language.
    """

    maker: str
    description: str
    copy_metavar: str
    copy_help: str
    target_language: str = "de"


FIXED = {
    "multi30k": FixedCorpus(
        "pipeline.corpora.multi30k:make_multi30k",
        "29,000 image captions, English and German, the benchmark of this field",
        "DIR",
        "A folder with the files, not a download.",
    ),
    "tatoeba": FixedCorpus(
        "pipeline.corpora.tatoeba:make_tatoeba",
        "170,000 or more everyday sentences, English and German",
        "FILE",
        "A TSV, .gz or .zip file, not a download.",
    ),
}


class ShippedCorpus(NamedTuple):
    """A corpus with a shipped configuration."""

    command: str
    """Makes it, as in `nmt corpus COMMAND`."""
    description: str


SHIPPED = {
    # Both are one corpus for each target language, see `pipeline.corpora.catalogue`.
    "debian": ShippedCorpus(
        "debian", "Debian's package descriptions and their reviewed translations, by apt"
    ),
    "general": ShippedCorpus(
        "debian --with dictionary,dialogue,manuals,interface",
        "these with dialogue, manuals, messages and a dictionary from packages",
    ),
    **{name: ShippedCorpus(name, corpus.description) for name, corpus in FIXED.items()},
}
"""By name."""
