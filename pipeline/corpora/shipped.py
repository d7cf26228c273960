"""The corpora that `nmt corpus` can make. A new one is a file with its function and a row here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FixedCorpus:
    """A corpus of one pair of languages.

    Attributes:
        maker: its function, as `module:name`: takes the folder for downloads, the path of a local
            copy or None, and a `Progress`; returns a `CorpusText`.
        description: what it is, in one line.
        copy_metavar, copy_help: what `--from` takes, for the help.
        target_language: the language that it translates into.
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

SHIPPED = {
    # Has a corpus for each language: `pipeline.corpora.catalogue`.
    "debian": "Debian's package descriptions and their reviewed translations, by apt",
    **{name: corpus.description for name, corpus in FIXED.items()},
}
"""What each corpus is, by name."""
