"""What is known about a corpus: the contents of `corpus.json`, typed and checked."""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from components.corpus_features import check_features

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

NonNegative = Annotated[int, Field(ge=0)]


class Words(BaseModel):
    """Whitespace-separated words on either side of a split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: NonNegative
    target: NonNegative


class Shard(BaseModel):
    """One file of a corpus; the checksum is of its text, which no compressor's version changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: Split
    pairs: NonNegative
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class CorpusInfo(BaseModel):
    """A corpus: where its text comes from, under which terms, and how much there is of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    source_language: str
    target_language: str
    licence: str
    origin: str
    created: str
    """When the folder was made, ISO 8601, UTC."""
    counts: dict[Split, NonNegative]
    """Sentence pairs by split."""
    words: dict[Split, Words]
    shards: dict[str, Shard]
    """By file name."""
    features: Annotated[tuple[str, ...], AfterValidator(check_features)] = ()
    """Names of the columns after source and target, by whose values the gate may slice."""
    dropped: dict[str, NonNegative] = {}
    """Pairs of the raw material that were left out, by reason."""
    rejected: dict[str, NonNegative] = {}
    """Malformed lines of the input, by reason; the lines themselves are in `rejected.tsv`."""

    @property
    def facts(self) -> dict[str, Any]:
        """What a model card says of its corpus, as JSON values."""
        return self.model_dump(mode="json", include={"name", "origin", "licence", "words"}) | {
            "pairs": dict(self.counts)
        }

    @property
    def checksum(self) -> str:
        """One SHA-256 over the text of all shards: what a model records it was trained on."""
        digest = hashlib.sha256()
        for file_name, shard in sorted(self.shards.items()):
            digest.update(f"{file_name.removesuffix('.gz')} {shard.sha256}\n".encode())
        return digest.hexdigest()
