"""Judges the lines of a shard: malformed, held out, found by a filter, or good for an example."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, NamedTuple

from components.corpus_shards import open_shard
from components.filters.near_duplicates import ShardHashes
from components.filters.profile import UNKNOWN_PROFILE, CorpusProfile, measure_profile
from components.filters.registry import NEAR_DUPLICATES, PairFilters
from components.held_out_sentences import NOTHING_HELD_OUT, HeldOut, is_held_out
from components.parallel_text import LineLimits, Pair, Rejection, parse_line, read_lines

_SAMPLE_PAIRS = 20_000


@dataclass(frozen=True)
class LineRules:
    """What to know for judging the lines of a split.

    Attributes:
        limits: limits of a sentence pair.
        features: names of the columns after the texts.
        held_out: sentences to leave out.
        filters: names of the filters, in their order.
        profile: what is usual in the corpus.
        is_filtered: whether pairs found by a filter are left out, or only counted.
    """

    limits: LineLimits
    features: Sequence[str] = ()
    held_out: HeldOut = NOTHING_HELD_OUT
    filters: tuple[str, ...] = ()
    profile: CorpusProfile = UNKNOWN_PROFILE
    is_filtered: bool = False

    @property
    def max_bytes(self) -> int:
        """The most bytes of an accepted line."""
        return self.limits.max_line_bytes(len(self.features))


class Finding(NamedTuple):
    """What a filter found in a pair."""

    filter: str
    detail: str


class JudgedLine(NamedTuple):
    """A line and its verdict: `pair` is set if it is well-formed, else `rejection`."""

    number: int
    line: bytes
    pair: Pair | None = None
    rejection: Rejection | None = None
    is_held_out: bool = False
    finding: Finding | None = None


class LineJudge:
    """Judges lines one by one.

    Args:
        rules: what to know of the split.
        duplicates: numbers of the lines that repeat an earlier pair.
    """

    def __init__(self, rules: LineRules, duplicates: frozenset[int] = frozenset()) -> None:
        self._rules = rules
        self._filters = PairFilters(rules.filters, rules.profile)
        self._duplicates = duplicates

    def judge(self, stream: BinaryIO) -> Iterator[JudgedLine]:
        """Judges the lines of a shard, in their order."""
        rules = self._rules
        for number, line in enumerate(read_lines(stream, rules.max_bytes), start=1):
            verdict = parse_line(line, rules.limits, rules.features)
            if not isinstance(verdict, Pair):
                yield JudgedLine(number, line, rejection=verdict)
            elif any(rules.held_out) and is_held_out(
                verdict.source, verdict.target, rules.held_out
            ):
                yield JudgedLine(number, line, verdict, is_held_out=True)
            else:
                yield JudgedLine(number, line, verdict, finding=self._find(number, verdict))

    def hash(self, stream: BinaryIO, hashes: ShardHashes) -> None:
        """Adds the pairs of a shard that no filter finds to its hashes."""
        for judged in self.judge(stream):
            if judged.pair and not judged.is_held_out and not judged.finding:
                hashes.add(judged.number, *_texts(judged.pair))

    def _find(self, number: int, pair: Pair) -> Finding | None:
        if found := self._filters.find(*_texts(pair)):
            return Finding(*found)
        if number in self._duplicates:
            return Finding(NEAR_DUPLICATES, "an earlier pair")
        return None


def profile_of(paths: Sequence[str], rules: LineRules, languages: tuple[str, str]) -> CorpusProfile:
    """Measures what is usual in a corpus, by the first lines of each of its shards.

    Args:
        paths: the training shards. Those that cannot be read are left out: the ingestion reports
            them.
        rules: limits and features.
        languages: the codes of source and target.
    """
    most = -(-_SAMPLE_PAIRS // max(len(paths), 1))
    return measure_profile(
        (pair for path in paths for pair in islice(_pairs(path, rules), most)), languages
    )


def _pairs(path: str, rules: LineRules) -> Iterable[tuple[str, str]]:
    try:
        with open_shard(path) as stream:
            for line in read_lines(stream, rules.max_bytes):
                pair = parse_line(line, rules.limits, rules.features)
                if isinstance(pair, Pair):
                    yield _texts(pair)
    except (OSError, EOFError, zlib.error):
        return


def _texts(pair: Pair) -> tuple[str, str]:
    return pair.source.decode("utf-8"), pair.target.decode("utf-8")
