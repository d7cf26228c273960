"""Debian's package descriptions: the format of `Translation-*` files, and the two languages joined.

The format is that of Debian Policy, 5.6.13 (Description): a synopsis, then lines that start with
one space and are wrapped text, with two or more and are verbatim, or are ` .`, an empty line.
Original and translation carry the MD5 of the English description, so only current ones are joined.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

from pipeline.corpora.text import comparison_key, count_words
from text.sentences import LengthRatio, Pair, align

MAX_WORDS = 60
_ITEM = re.compile(r"(\s*)(?:[*+•·‣—–-]|o(?=\s)|\d{1,2}[.)])\s+(?=\S)(.*)")
_BROKEN_COMPOUND = re.compile(r"\w-$")
_CONJUNCTION = re.compile(
    r"(?:and|or|to|und|oder|bzw|sowie|et|ou|y|o|e|en|of|i|och|og)\b", re.IGNORECASE
)
_IDEOGRAPHIC = re.compile("[\u3000-\u9fff\uff00-\uffef]")
"""Chinese and Japanese characters and punctuation, between which no space is written."""
_UNFINISHED = re.compile(r"<trans\b|#{3,}")


@dataclass(frozen=True)
class Description:
    """One package's description in one language."""

    package: str
    synopsis: str
    body: tuple[str, ...]
    """The lines below the synopsis, without the space that each begins with."""


@dataclass(frozen=True)
class Block:
    """A paragraph or an item of a list, on one line."""

    kind: Literal["paragraph", "item"]
    text: str


@dataclass(frozen=True)
class PackagePairs:
    """What one package gives."""

    package: str
    pairs: tuple[Pair, ...]


def parse_descriptions(lines: Iterable[str], language: str) -> dict[str, Description]:
    """Parse a `Translation-<language>` file.

    Returns:
        Descriptions by the MD5 of their English text; the first package where several share it.
    """
    found: dict[str, Description] = {}
    label = f"Description-{language}:"
    package = checksum = ""
    synopsis: str | None = None
    body: list[str] = []
    for raw in [*lines, ""]:
        line = raw.rstrip("\r\n")
        if line.startswith(" "):
            if synopsis is not None:
                body.append(line[1:].rstrip())
        elif not line.strip():
            if checksum and synopsis:
                found.setdefault(checksum, Description(package, synopsis, tuple(body)))
            package, checksum, synopsis, body = "", "", None, []
        elif line.startswith("Package:"):
            package = line.partition(":")[2].strip()
        elif line.startswith("Description-md5:"):
            checksum = line.partition(":")[2].strip()
        elif line.startswith(label):
            synopsis = line.partition(":")[2].strip()
    return found


def parse_sources(lines: Iterable[str]) -> dict[str, str]:
    """Parse a `Packages` file: the source package of each binary package that names another one."""
    sources: dict[str, str] = {}
    package = ""
    for line in lines:
        if line.startswith("Package:"):
            package = line.partition(":")[2].strip()
        elif line.startswith("Source:"):
            sources[package] = line.partition(":")[2].split()[0]
    return sources


def blocks(body: Iterable[str]) -> list[Block]:
    """Join the wrapped lines of a description into paragraphs and items of lists.

    Verbatim lines that are no list, such as tables and commands, are left out.
    """
    found: list[Block] = []
    kind: Literal["paragraph", "item", "verbatim"] | None = None
    current: list[str] = []
    indent = 0

    def finish() -> None:
        if current and kind in ("paragraph", "item"):
            found.append(Block(kind, _unwrap(current)))
        current.clear()

    for line in body:
        if line.strip() in ("", "."):
            finish()
            kind = None
            continue
        verbatim = line[0] in " \t"
        item = _ITEM.fullmatch(line)
        if item and (verbatim or line[0] in "*•" or (line[0] in "-+" and kind != "paragraph")):
            finish()
            kind, indent = "item", len(item[1])
            current.append(item[2].strip())
        elif verbatim and kind == "item" and len(line) - len(line.lstrip()) > indent:
            current.append(line.strip())
        elif verbatim:
            finish()
            kind = "verbatim"
        elif kind == "item" and indent == 0:
            current.append(line.strip())
        else:
            if kind != "paragraph":
                finish()
            kind = "paragraph"
            current.append(line.strip())
    finish()
    return found


def _unwrap(lines: list[str]) -> str:
    """Join wrapped lines; a compound that was broken after its hyphen is whole again."""
    text = lines[0]
    for line in lines[1:]:
        broken_compound = _BROKEN_COMPOUND.search(text) and not _CONJUNCTION.match(line)
        without_spaces = _IDEOGRAPHIC.match(text[-1]) and _IDEOGRAPHIC.match(line)
        text += line if broken_compound or without_spaces else f" {line}"
    return re.sub(" {2,}", " ", text)


def join_descriptions(
    source: Mapping[str, Description],
    target: Mapping[str, Description],
    languages: tuple[str, str],
) -> tuple[list[PackagePairs], Counter[str]]:
    """Join two languages on the checksum, and cut the text into pairs of sentences and phrases.

    Args:
        source: English descriptions by checksum.
        target: their translations by checksum.
        languages: the codes of both.

    Returns:
        The pairs by package, in the order of the packages' names, and the number of pairs that
        were left out, by reason.
    """
    dropped = Counter[str]()
    matched = sorted((source[key].package, key) for key in source.keys() & target.keys())
    ratio = LengthRatio(_usual_ratio((source[key], target[key]) for _, key in matched))
    joined = []
    for package, key in matched:
        ours, theirs = source[key], target[key]
        both = [(Block("item", ours.synopsis), Block("item", theirs.synopsis))]
        source_blocks = blocks(ours.body)
        corresponding = _corresponding(source_blocks, blocks(theirs.body), ratio)
        if len(corresponding) < len(source_blocks):
            dropped["paragraphs do not correspond"] += len(source_blocks) - len(corresponding)
        pairs = tuple(_acceptable(both + corresponding, languages, ratio, dropped))
        joined.append(PackagePairs(package, pairs))
    return joined, dropped


def _corresponding(
    ours: list[Block], theirs: list[Block], ratio: LengthRatio
) -> list[tuple[Block, Block]]:
    """Return the blocks that are translations of each other.

    Where one side has a list that the other one lacks, the paragraphs alone may still correspond;
    then all their lengths must go together.
    """
    if [block.kind for block in ours] == [block.kind for block in theirs]:
        return list(zip(ours, theirs, strict=True))
    found = []
    for kind in ("paragraph", "item"):
        left = [block for block in ours if block.kind == kind]
        right = [block for block in theirs if block.kind == kind]
        pairs = list(zip(left, right, strict=False))
        if len(left) == len(right) and all(ratio.accepts(a.text, b.text) for a, b in pairs):
            found += pairs
    return found


def _usual_ratio(descriptions: Iterable[tuple[Description, Description]]) -> float:
    """Return how long a translation usually is, in characters to one of the source's."""
    ratios = [
        len(theirs) / len(ours)
        for a, b in descriptions
        for ours, theirs in [(" ".join(a.body), " ".join(b.body)), (a.synopsis, b.synopsis)]
        if ours and ours != theirs
    ]
    return median(ratios) if ratios else 1.0


def _acceptable(
    both: Iterable[tuple[Block, Block]],
    languages: tuple[str, str],
    ratio: LengthRatio,
    dropped: Counter[str],
) -> Iterator[Pair]:
    for source, target in both:
        for pair in align(source.text, target.text, languages, ratio):
            reason = why_not(pair, ratio)
            if reason:
                dropped[reason] += 1
            else:
                yield pair


def why_not(pair: Pair, ratio: LengthRatio) -> str | None:
    """Return why a pair is no example of a translation, or None where it is one."""
    source, target = pair
    if not target or _UNFINISHED.search(target):
        return "unfinished translation"
    if not any(character.isalpha() for character in source):
        return "no letters"
    if comparison_key(source) == comparison_key(target):
        return "untranslated"
    if max(count_words(source), count_words(target)) > MAX_WORDS:
        return f"more than {MAX_WORDS} words"
    if not ratio.accepts(source, target):
        return "length ratio"
    return None
