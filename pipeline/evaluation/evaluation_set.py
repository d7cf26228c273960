"""The sentences of an evaluation: sources, references and slices."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.corpus_features import LENGTH_BUCKET
from components.gate.verdict import slice_key
from components.parallel_text import LineLimits, length_bucket
from pipeline.config.settings import PipelineConfig
from pipeline.config.slice_features import check_slice_features
from pipeline.corpora.accepted import accepted_pairs
from pipeline.corpora.folder import read_information
from pipeline.corpora.information import Split
from pipeline.errors import UserError
from pipeline.workspace import Workspace, is_remote
from text.words import split_text


@dataclass(frozen=True)
class EvaluationSet:
    """Sentences with their references and slices.

    Attributes:
        sources: `[sentences]` texts to translate; None if they are not known.
        references: `[sentences]` the references of each, the same number for all.
        slices: `[sentences]` names of the slices of each, such as `length_bucket=01-10`.
    """

    sources: Sequence[str] | None
    references: Sequence[tuple[str, ...]]
    slices: Sequence[tuple[str, ...]]


def set_of_texts(
    sources: Sequence[str] | None, references: Sequence[Sequence[str]]
) -> EvaluationSet:
    """Returns the set of a user's own texts, sliced by the length of the source.

    Args:
        sources: `[sentences]`; None for references without sources, which have no slices.
        references: `[references, sentences]`, at least one.
    """
    together = list(zip(*references, strict=True))
    if sources is None:
        return EvaluationSet(None, together, [()] * len(together))
    return EvaluationSet(sources, together, [(_length_slice(source),) for source in sources])


def set_of_split(config: PipelineConfig, workspace: Workspace, split: Split) -> EvaluationSet:
    """Returns a split of a configuration's corpus, with the sentences and slices of the gate.

    Args:
        config: names the corpus, the limits of its lines and the features for slicing.
        workspace: a local workspace.
        split: the split.

    Raises:
        UserError: the corpus is missing, damaged or remote, or lacks a feature.
    """
    place, data = workspace.corpus(config.data.corpus), config.data
    if is_remote(place):
        raise UserError(f"{place} is remote: `nmt evaluate` reads local corpora only.")
    information = read_information(Path(place))
    check_slice_features(config, information)
    limits = LineLimits(data.max_words, data.max_characters, data.max_length_ratio)
    sources, references, slices = [], [], []
    for pair in accepted_pairs(Path(place), split, limits):
        features = dict(zip(information.features, pair.features, strict=True))
        features[LENGTH_BUCKET] = length_bucket(pair.source_words).encode()
        sources.append(pair.source.decode())
        references.append((pair.target.decode(),))
        slices.append(tuple(slice_key(name, features[name]) for name in config.gate.slicing))
    return EvaluationSet(sources, references, slices)


def _length_slice(source: str) -> str:
    """Returns the slice of a source; an empty one is in the shortest."""
    return slice_key(LENGTH_BUCKET, length_bucket(max(1, len(split_text(source)))))
