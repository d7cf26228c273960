"""Parses Debian's package descriptions (`Translation-*` files) and joins two languages.

The format is defined by Debian Policy, 5.6.13 (Description): a synopsis, then lines of the body.
Lines with one space at the start are wrapped text, those with two or more are verbatim, and ` .` is
an empty line. Original and translation both have the MD5 of the English description, so outdated
translations are not joined.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

from pipeline.corpora.text import count_words
from text.comparison import comparison_key
from text.sentences import LengthRatio, Pair, align

MAX_WORDS = 60
_ITEM = re.compile(r"(\s*)(?:[*+•·‣—–-]|o(?=\s)|\d{1,2}[.)])\s+(?=\S)(.*)")
_BROKEN_COMPOUND = re.compile(r"\w-$")
_CONJUNCTION = re.compile(
    r"(?:and|or|to|und|oder|bzw|sowie|et|ou|y|o|e|en|of|i|och|og)\b", re.IGNORECASE
)
_IDEOGRAPHIC = re.compile("[\u3000-\u9fff\uff00-\uffef]")
"""Chinese and Japanese characters and punctuation; these are written without spaces between."""
_UNFINISHED = re.compile(r"<trans\b|#{3,}")


@dataclass(frozen=True)
class Description:
    """One package's description in one language."""

    package: str
    synopsis: str
    body: tuple[str, ...]
    """The lines below the synopsis, without their first space."""


@dataclass(frozen=True)
class Block:
    """A paragraph or an item of a list, joined to one line."""

    kind: Literal["paragraph", "item"]
    text: str


@dataclass(frozen=True)
class PackagePairs:
    """The sentence pairs of one package."""

    package: str
    pairs: tuple[Pair, ...]


def parse_descriptions(lines: Iterable[str], language: str) -> dict[str, Description]:
    """Parses a `Translation-<language>` file.

    Returns:
        Descriptions by the MD5 of their English text; if several packages share it, the first one.
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
    """Parses a `Packages` file: returns source packages by binary package, if names differ."""
    sources: dict[str, str] = {}
    package = ""
    for line in lines:
        if line.startswith("Package:"):
            package = line.partition(":")[2].strip()
        elif line.startswith("Source:"):
            sources[package] = line.partition(":")[2].split()[0]
    return sources


def blocks(body: Iterable[str]) -> list[Block]:
    """Joins the wrapped lines of a description into paragraphs and items of lists.

    Other verbatim lines, such as tables and commands, are left out.
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
    """Joins wrapped lines, and also compounds broken after a hyphen."""
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
    """Joins two languages by checksum, and cuts the text into pairs of sentences and phrases.

    Args:
        source: English descriptions by checksum.
        target: their translations by checksum.
        languages: the codes of both.

    Returns:
        The pairs by package, in the order of the packages' names, and the number of dropped pairs
        by reason.
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
    """Returns the pairs of corresponding blocks.

    If the kinds of blocks differ, because one side has a list missing in the other, the paragraphs
    alone may still correspond. Then the lengths of all their pairs must fit.
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
    """Returns the median length of a translation in characters, relative to its source."""
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
            reason = drop_reason(pair, ratio)
            if reason:
                dropped[reason] += 1
            else:
                yield pair


def drop_reason(pair: Pair, ratio: LengthRatio) -> str | None:
    """Returns the reason to drop a pair, or None if it is a usable translation."""
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
