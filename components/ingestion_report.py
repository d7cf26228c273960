"""Counts of the accepted and rejected lines of a corpus, and their report.

Each Beam worker counts its own shards. The counts of a split are their sum, in any order. The
report is written beside the examples as `ingestion.json`. TFX and Beam are not imported, so
commands can read it quickly.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Self

from components.parallel_text import (
    CorpusError,
    LineLimits,
    Pair,
    Reason,
    Rejection,
    length_bucket,
    shorten,
)

INGESTION_FILE = "ingestion.json"
REJECTED_FOLDER = "rejected"
REJECTED_HEADER = "shard\tline\treason\ttext\tdetail"
EXAMPLES_SHOWN = 5
SAMPLES_SHOWN = 10
"""Of the pairs found by a filter."""
MOST_FILTERED = 0.5
"""Largest share of the training pairs that filters may find."""
_TEXT_SHOWN = 60


class TooManyRejectedError(CorpusError):
    """More lines were rejected than `max_rejected_fraction` allows; the message is the report."""


class RejectedLine(NamedTuple):
    """A row of the `rejected` file; the text is printable and shortened."""

    shard: str
    line: int
    reason: str
    text: str
    detail: str

    @classmethod
    def of(cls, shard: str, line: int, raw: bytes, rejection: Rejection) -> Self:
        """Makes the row for a line as read from the shard."""
        return cls(shard, line, rejection.reason.value, shorten(raw), rejection.detail)

    def to_tsv(self) -> str:
        """Returns the row as tab-separated values, without a line end."""
        return "\t".join(map(str, self))


@dataclass
class SplitCounts:
    """Counts of a split, or of a part of it.

    `first_rejected` keeps the first few rows by shard and line, in any order of adding.
    """

    shards: int = 0
    accepted: int = 0
    held_out: int = 0
    """Training lines left out because validation or test has one of their sentences."""
    filtered: Counter[str] = field(default_factory=Counter)
    """Training lines left out by filters, by the filter's name."""
    flagged: Counter[str] = field(default_factory=Counter)
    """Lines of validation and test found by filters; they are among the accepted."""
    samples: dict[str, list[RejectedLine]] = field(default_factory=dict)
    """The first few lines found by each filter."""
    source_words: int = 0
    target_words: int = 0
    source_characters: int = 0
    target_characters: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    length_buckets: Counter[str] = field(default_factory=Counter)
    first_rejected: list[RejectedLine] = field(default_factory=list)
    empty_shards: list[str] = field(default_factory=list)
    damaged_shards: dict[str, str] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the text of each shard, as it was read."""

    @property
    def read(self) -> int:
        """Lines read, accepted or not."""
        return self.accepted + self.held_out + self.filtered.total() + self.rejected.total()

    def add_pair(self, pair: Pair) -> None:
        """Counts an accepted line."""
        self.accepted += 1
        self.source_words += pair.source_words
        self.target_words += pair.target_words
        self.source_characters += pair.source_characters
        self.target_characters += pair.target_characters
        self.length_buckets[length_bucket(pair.source_words)] += 1

    def add_rejected(self, row: RejectedLine) -> None:
        """Counts a rejected line."""
        self.rejected[row.reason] += 1
        if len(self.first_rejected) < EXAMPLES_SHOWN:
            self.first_rejected.append(row)

    def add_found(self, row: RejectedLine, *, is_filtered: bool) -> None:
        """Counts a line found by a filter, which is left out if `is_filtered`."""
        (self.filtered if is_filtered else self.flagged)[row.reason] += 1
        samples = self.samples.setdefault(row.reason, [])
        if len(samples) < SAMPLES_SHOWN:
            samples.append(row)

    @classmethod
    def sum(cls, parts: Iterable[Self]) -> Self:
        """Sums the counts of all parts; their order does not matter."""
        total = cls()
        for part in parts:
            total.shards += part.shards
            total.accepted += part.accepted
            total.held_out += part.held_out
            total.filtered.update(part.filtered)
            total.flagged.update(part.flagged)
            for name, rows in part.samples.items():
                total.samples[name] = sorted([*total.samples.get(name, ()), *rows])[:SAMPLES_SHOWN]
            total.source_words += part.source_words
            total.target_words += part.target_words
            total.source_characters += part.source_characters
            total.target_characters += part.target_characters
            total.rejected.update(part.rejected)
            total.length_buckets.update(part.length_buckets)
            total.first_rejected.extend(part.first_rejected)
            total.empty_shards.extend(part.empty_shards)
            total.damaged_shards.update(part.damaged_shards)
            total.checksums.update(part.checksums)
        total.first_rejected = sorted(total.first_rejected)[:EXAMPLES_SHOWN]
        total.empty_shards.sort()
        return total

    def to_json(self) -> str:
        """Returns all counts as JSON on one line."""
        return json.dumps({"read": self.read, **vars(self)}, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads counts written by `to_json`."""
        values: dict[str, Any] = json.loads(text)
        del values["read"]
        for name in ("rejected", "filtered", "flagged", "length_buckets"):
            values[name] = Counter(values[name])
        values["samples"] = {
            name: [RejectedLine(*row) for row in rows] for name, rows in values["samples"].items()
        }
        values["first_rejected"] = [RejectedLine(*row) for row in values["first_rejected"]]
        return cls(**values)


@dataclass(frozen=True)
class IngestionReport:
    """The report on a whole corpus: its folder, its limits and its counts.

    Args:
        corpus: the folder of the shards.
        limits: limits of a sentence pair.
        max_rejected_fraction: largest allowed part of rejected lines, 0 to 1.
        splits: the counts by split.
        filters: names of the filters of training pairs.
    """

    corpus: str
    limits: LineLimits
    max_rejected_fraction: float
    splits: Mapping[str, SplitCounts]
    filters: tuple[str, ...] = ()

    @property
    def total(self) -> SplitCounts:
        """The counts of all splits together."""
        return SplitCounts.sum(self.splits.values())

    @property
    def rejected_fraction(self) -> float:
        """The rejected part of all lines, 0 to 1."""
        total = self.total
        return total.rejected.total() / total.read if total.read else 0.0

    def check(self, rejected_uri: str) -> None:
        """Raises an error if the corpus must not be used.

        Args:
            rejected_uri: place of the rejected lines, for the message.

        Raises:
            TooManyRejectedError: more than `max_rejected_fraction` of the lines were rejected, or
                filters found more than half of the training pairs.
            CorpusError: a shard is damaged or empty, or a split has no accepted line.
        """
        for split, counts in self.splits.items():
            for shard, why in sorted(counts.damaged_shards.items()):
                raise CorpusError(f"{self.corpus}: {shard} cannot be read ({why}); replace it.")
            for shard in counts.empty_shards:
                raise CorpusError(
                    f"{self.corpus}: {shard} is empty; fill it or delete it, so that no text is "
                    f"missing from the {split} split unnoticed."
                )
        if self.rejected_fraction > self.max_rejected_fraction:
            raise TooManyRejectedError(
                f"{self.describe_rejected()}\nThat is more than max_rejected_fraction "
                f"({self.max_rejected_fraction:.2%}) allows. All rejected lines: {rejected_uri}. "
                "Fix the corpus, or raise max_rejected_fraction."
            )
        for split, counts in self.splits.items():
            judged = counts.accepted + counts.filtered.total()
            if counts.filtered.total() > MOST_FILTERED * judged:
                found = "\n".join(self.describe_found())
                raise TooManyRejectedError(
                    f"{found}\nFilters found more than half of the {split} pairs of "
                    f"{self.corpus}. All of them: {rejected_uri}. Check data.source_language and "
                    "data.target_language, or take the filter out of data.filters."
                )
            if not counts.accepted:
                held_out = f" {counts.held_out:,} were held out." if counts.held_out else ""
                raise CorpusError(
                    f"{self.corpus}: no line of the {split} split was accepted.{held_out}\n"
                    f"{self.describe_rejected()}\nAll rejected lines: {rejected_uri}."
                )

    def describe_rejected(self) -> str:
        """Describes the rejected lines: their number, the reasons, and the first few of them."""
        total = self.total
        reasons = ", ".join(
            f"{reason} {count:,}" for reason, count in sorted(total.rejected.items())
        )
        lines = [
            f"{total.rejected.total():,} of {total.read:,} lines of {self.corpus} were rejected "
            f"({self.rejected_fraction:.2%}): {reasons or 'none'}."
        ]
        for row in total.first_rejected:
            text = row.text if len(row.text) <= _TEXT_SHOWN else f"{row.text[:_TEXT_SHOWN]}..."
            lines.append(f"  {row.shard}:{row.line}: {row.reason} ({row.detail}): {text}")
        return "\n".join(lines)

    def describe_found(self) -> list[str]:
        """Describes what each filter found, in lines with samples; none without filters."""
        if not self.filters:
            return []
        train = SplitCounts.sum(counts for counts in self.splits.values() if counts.filtered)
        others = [
            f"{counts.flagged.total():,} in {split}"
            for split, counts in self.splits.items()
            if counts.flagged
        ]
        lines = [
            f"filters left out {train.filtered.total():,} training pairs"
            + (f", and found {' and '.join(others)}, which stay" if others else "")
        ]
        for name in self.filters:
            lines.append(f"  {name} {train.filtered[name]:,}")
            for row in train.samples.get(name, ()):
                lines.append(f"    {row.shard}:{row.line}: {row.detail}: {row.text}")
        return lines

    def to_json(self) -> str:
        """Returns the report in the format of `ingestion.json`."""
        splits = {split: json.loads(counts.to_json()) for split, counts in self.splits.items()}
        values = {
            "corpus": self.corpus,
            "limits": asdict(self.limits),
            "max_rejected_fraction": self.max_rejected_fraction,
            "read": self.total.read,
            "accepted": self.total.accepted,
            "held_out": self.total.held_out,
            "filtered": {name: self.total.filtered[name] for name in self.filters},
            "flagged": {name: self.total.flagged[name] for name in self.filters},
            "rejected": {reason.value: self.total.rejected[reason.value] for reason in Reason},
            "rejected_fraction": self.rejected_fraction,
            "splits": splits,
        }
        return json.dumps(values, ensure_ascii=False, indent=2) + "\n"
