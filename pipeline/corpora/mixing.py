"""Mixes a corpus of a domain with a share of general text, and with the test sets of both.

Training on the text of a domain alone forgets the general language (Chu et al., 2017, section 3).
"""

import random
from collections.abc import Iterator
from pathlib import Path

from pipeline.corpora.folder import CorpusText, load_corpus, read_split
from pipeline.corpora.information import CorpusInfo, Split
from pipeline.corpora.parallel_files import corpus_of_pairs
from pipeline.corpora.rows import PackedRows
from pipeline.corpora.spans import has_spans
from pipeline.errors import UserError
from text.languages import usual_tag

FEATURE = "corpus"
"""Says which corpus a pair is from, so the gate can slice by it."""
_LONGEST_VALUE = 64


def mix_corpora(name: str, domain: Path, general: Path, share: float, seed: int = 1) -> CorpusText:
    """Mixes two corpora.

    Training has all pairs of the domain and a sample of general ones. Validation is that of the
    domain, which so decides when training ends. The test has all test pairs of both. Training
    pairs with a sentence of these sets are dropped, as in an import.

    Args:
        name: the name of the new corpus.
        domain: the folder of the domain's corpus.
        general: the folder of the general corpus.
        share: the share of general pairs in the training text, above 0 and below 1. If the general
            corpus has too few, all are taken.
        seed: seed of the sample.

    Raises:
        UserError: a corpus is missing, damaged, has spans or another language, or nothing is left.
    """
    if not 0 < share < 1:
        raise UserError(f"--share must be above 0 and below 1, not {share:g}.")
    own, other = load_corpus(domain), load_corpus(general)
    if own.name == other.name:
        raise UserError(f"{own.name} cannot be mixed with itself: give two corpora.")
    for folder in (domain, general):
        if has_spans(folder):
            raise UserError(
                f"{folder} has spans, which a mix would leave out: make one corpus of all its text."
            )
    for side in ("source_language", "target_language"):
        first, second = (usual_tag(getattr(each, side)) for each in (own, other))
        if first != second:
            raise UserError(
                f"The {side} of {own.name} is {first}, but that of {other.name} is {second}: give "
                "corpora of the same languages."
            )
    train = _rows(domain, own, "train")
    wanted = round(len(train) * share / (1 - share))
    added = _rows(general, other, "train")
    chosen = random.Random(seed).sample(range(len(added)), min(wanted, len(added)))
    train.lines += added.take(sorted(chosen)).lines
    test = _rows(domain, own, "test")
    test.lines += _rows(general, other, "test").lines
    return corpus_of_pairs(
        (train, []),
        name=name,
        languages=(own.source_language, own.target_language),
        licence=f"{own.name}: {own.licence}; {other.name}: {other.licence}",
        origin=f"{own.name} ({own.origin}) with {len(chosen):,} training pairs and the test set of "
        f"{other.name} ({other.origin}), seed {seed}",
        features=(FEATURE,),
        given={"validation": _rows(domain, own, "validation"), "test": test},
    )


def _rows(folder: Path, corpus: CorpusInfo, split: Split) -> PackedRows:
    """Returns the pairs of a split with the name of their corpus; other features are left out."""

    def lines() -> Iterator[bytes]:
        for source, target in read_split(folder, split):
            yield f"{source}\t{target}\t{corpus.name[:_LONGEST_VALUE]}".encode()

    return PackedRows(lines())
