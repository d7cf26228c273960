"""The information about a corpus: the contents of `corpus.json`, typed and checked."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from components.corpus_features import check_features
from components.corpus_spans import checksum_of_shards

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

TAKEN = "taken"
NonNegative = Annotated[int, Field(ge=0)]


class Words(BaseModel):
    """Numbers of words on each side of a split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: NonNegative
    target: NonNegative


class Shard(BaseModel):
    """One file of a corpus. Its checksum is of the uncompressed text, for any compressor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: Split
    pairs: NonNegative
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class PackageInfo(BaseModel):
    """What a corpus has of one package in one domain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    package: str
    version: str
    licence: str
    """The names of its licences."""
    bytes: NonNegative
    """The size of the package that was fetched."""
    domain: str
    split: Split
    pairs: NonNegative
    dropped: dict[str, NonNegative] = {}
    """Number of pairs left out, by reason."""


class CorpusInfo(BaseModel):
    """The origin, licence and size of a corpus."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    source_language: str
    target_language: str
    licence: str
    origin: str
    created: str
    """The time when the folder was made, ISO 8601, UTC."""
    counts: dict[Split, NonNegative]
    """Sentence pairs by split."""
    words: dict[Split, Words]
    shards: dict[str, Shard]
    """Shards by file name."""
    features: Annotated[tuple[str, ...], AfterValidator(check_features)] = ()
    """Names of the columns after source and target; the gate may slice by their values."""
    dropped: dict[str, NonNegative] = {}
    """Number of pairs left out of the corpus, by reason."""
    packages: tuple[PackageInfo, ...] = ()
    """The packages of software that the text is from."""
    missing: dict[str, str] = {}
    """Reasons for the packages that could not be read, by name."""
    overlaps: dict[str, dict[Split, NonNegative]] = {}
    """Number of pairs of other corpora, by name and split, that the training split has, too."""
    files: dict[str, dict[str, NonNegative]] = {}
    """Number of pairs taken from each imported file, as `taken`, and of those left, by reason."""
    rejected: dict[str, NonNegative] = {}
    """Number of malformed lines of the input, by reason; the lines are in `rejected.tsv`."""

    @property
    def facts(self) -> dict[str, Any]:
        """The facts about the corpus for a model card, as JSON values."""
        return self.model_dump(mode="json", include={"name", "origin", "licence", "words"}) | {
            "pairs": dict(self.counts)
        }

    @property
    def checksum(self) -> str:
        """SHA-256 over the text of all shards; a model records it as its training data."""
        return checksum_of_shards({name: shard.sha256 for name, shard in self.shards.items()})
