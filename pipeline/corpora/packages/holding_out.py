"""Holds out whole packages of each domain for validation and test, without leaks.

The descriptions keep the splits that they have alone, so models of both corpora can be compared.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.corpora.information import SPLITS, Split
from pipeline.corpora.packages.collecting import PackageText
from pipeline.corpora.splitting import hash_fraction
from pipeline.corpora.text import Row
from text.comparison import comparison_key
from text.sentences import Pair

WANTED = 1_000
"""Pairs of a domain in each evaluation split, before near-duplicates of train are dropped."""
LARGEST_SHARE = 0.05
"""No evaluation split gets more of a domain, and no larger package is held out."""
FEWEST_PAIRS = 20
"""A smaller package is not held out: near-duplicates would be all that it has."""
_EVALUATION: tuple[Split, ...] = ("test", "validation")
_DUPLICATE = "duplicate"
_HELD_OUT = "near-duplicate of the descriptions' held-out text"


def choose_splits(texts: Iterable[PackageText]) -> dict[tuple[str, str], Split]:
    """Chooses the split of each package's text in each domain, by hash.

    Args:
        texts: the texts of packages. A domain with too few packages is all in train, like a package
            with text of several domains.

    Returns:
        Splits by the names of package and domain.
    """
    chosen: dict[tuple[str, str], Split] = {}
    by_domain: dict[str, list[PackageText]] = {}
    for text in texts:
        by_domain.setdefault(text.domain, []).append(text)
        chosen[text.package.name, text.domain] = "train"
    domains = Counter(name for name, _ in chosen)
    for domain, members in by_domain.items():
        most = LARGEST_SHARE * sum(len(text.pairs) for text in members)
        wanted = min(WANTED, most)
        eligible = [
            text
            for text in members
            if FEWEST_PAIRS <= len(text.pairs) <= most and domains[text.package.name] == 1
        ]
        eligible.sort(key=lambda text: hash_fraction(f"{text.domain} {text.package.name}"))
        sizes = dict.fromkeys(_EVALUATION, 0)
        for text in eligible:
            for split in _EVALUATION:
                if sizes[split] < wanted and sizes[split] + len(text.pairs) <= max(most, wanted):
                    chosen[text.package.name, domain] = split
                    sizes[split] += len(text.pairs)
                    break
    return chosen


@dataclass
class _HeldOut:
    """The keys of held-out pairs, by side."""

    sources: set[str]
    targets: set[str]

    def has(self, source_key: str, target_key: str) -> bool:
        return source_key in self.sources or target_key in self.targets

    def add(self, source_key: str, target_key: str) -> None:
        self.sources.add(source_key)
        self.targets.add(target_key)


def drop_leaks(
    texts: Sequence[PackageText],
    chosen: Mapping[tuple[str, str], Split],
    descriptions: Mapping[Split, Sequence[Row]],
) -> None:
    """Drops equal pairs and near-duplicates in different splits; counts them in their texts.

    Near-duplicates have a side that differs in case, digits and punctuation at most. Train loses
    those of the descriptions' evaluation splits. Then validation and test lose those of train and
    of each other.

    Args:
        texts: the texts; their pairs are replaced.
        chosen: the splits from `choose_splits`.
        descriptions: the splits of the descriptions.
    """
    held_out = _HeldOut(set(), set())
    for split in _EVALUATION:
        for source, target, *_ in descriptions[split]:
            held_out.add(comparison_key(source), comparison_key(target))
    evaluated = _HeldOut(set(), set())
    for text in texts:
        if chosen[text.package.name, text.domain] != "train":
            for source, target in text.pairs:
                evaluated.add(comparison_key(source), comparison_key(target))
    seen = {hash(pair[:2]) for split in SPLITS for pair in descriptions[split]}
    known = _HeldOut(set(), set())

    def note(source_key: str, target_key: str) -> None:
        if source_key in evaluated.sources:
            known.sources.add(source_key)
        if target_key in evaluated.targets:
            known.targets.add(target_key)

    for source, target, *_ in descriptions["train"]:
        note(comparison_key(source), comparison_key(target))
    for split in ("train", *_EVALUATION):
        for text in texts:
            if chosen[text.package.name, text.domain] != split:
                continue
            kept: list[Pair] = []
            dropped = Counter[str]()
            for pair in text.pairs:
                keys = comparison_key(pair[0]), comparison_key(pair[1])
                if hash(pair) in seen:
                    dropped[_DUPLICATE] += 1
                elif held_out.has(*keys):
                    dropped[_HELD_OUT] += 1
                elif split != "train" and known.has(*keys):
                    dropped[f"near-duplicate in {split} of another split"] += 1
                else:
                    kept.append(pair)
                    seen.add(hash(pair))
                    note(*keys)
            text.pairs = kept
            text.dropped += dropped
