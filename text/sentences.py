"""Splits paragraphs into sentences, and aligns those of two languages to pairs.

The library sentencex (Wikimedia) knows abbreviations and full stops of some 300 languages. Text
about software has more full stops: of version 2. of files, README.Debian. So some of its boundaries
are not taken. A paragraph stays one pair if its two sides do not match, so a rare mistake costs
little.
"""

import math
import re
from collections.abc import Iterable
from statistics import median

import sentencex

from text.characters import LONE_SURROGATE

Pair = tuple[str, str]
"""A text and its translation."""
Span = tuple[int, int]
"""Start and end of a part of a text, in characters."""

_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ud7af\uf900-\ufaff\uff00-\uffef]"
)
"""A character of a script without spaces between sentences."""
_LINE = re.compile("[^\n\r\x0b\x0c\x85\u2028\u2029]+")
_LETTER = re.compile(r"[^\W\d_]")
_CONTINUES = re.compile(r"\s*[)\]}»”’,;:]")
_LAST_WORD = re.compile(r"([^\s(\[\"'„“”«»]+)\.$")
_INITIAL = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_ORDINAL = re.compile(r"\d{1,2}")
_BEADS = (
    (1, 1, -math.log(0.89)),
    (1, 2, -math.log(0.0445)),
    (2, 1, -math.log(0.0445)),
    (2, 2, -math.log(0.011)),
)
"""Sentences of the source, of the target, and minus the logarithm of their probability: Gale and
Church (1993), table 5."""
_SHORTEST_FOR_RATIO = 20
_EVERYWHERE = (
    "e.g i.e vs cf viz approx ca dr mr mrs ms prof st no nr vol fig ed al ver vers resp jr"
)
_ABBREVIATIONS = {
    "de": """z.b d.h u.a u.u o.ä o.a i.d.r s.a s.o s.u z.t z.zt v.a u.ä bzw vgl sog evtl ggf inkl
        abb abk allg bspw einschl engl entspr insb kap max min mind nr str u.v.m zz zzt dt franz lat
        b h d""",
    "en": "incl esp inc ltd co max min dept",
    "es": "p.ej ej sr sra ud uds ee.uu pág núm",
    "fr": "p.ex c.-à-d c.à.d m mme mlle n° env éd réf",
    "it": "p.es ad.es es sig dott pag ecc n",
    "nl": "bijv d.w.z o.a m.b.v t.b.v enz nl dhr mevr blz",
    "pt": "p.ex ex sr sra pág núm",
}
_ORDINAL_LANGUAGES = {"cs", "da", "de", "et", "fi", "hr", "hu", "nb", "pl", "sk", "sl", "sr"}
"""Languages with `3.` for third: there, a number with a full stop does not end a sentence."""


def _abbreviations(language: str) -> frozenset[str]:
    return frozenset((_EVERYWHERE + " " + _ABBREVIATIONS.get(language, "")).split())


def sentence_spans(text: str, language: str | None) -> list[Span]:
    """Finds the sentences of a text; the end of a line ends a sentence, too.

    Args:
        text: any text.
        language: a code such as `de` or `pt_BR`; None if it is not known.

    Returns:
        The place of each sentence in the text, without the white space around it.
    """
    base = re.split("[-_@]", language or "en")[0].lower()
    spans: list[Span] = []
    for line in _LINE.finditer(text):
        start = end = line.start()
        for piece in sentencex.segment(base, LONE_SURROGATE.sub("\ufffd", line[0])):
            if end > start and _is_boundary(text[start:end], text[end : line.end()], base):
                spans.append((start, end))
                start = end
            end += len(piece)
        spans.append((start, line.end()))
    stripped = (
        (start + len(text[start:end]) - len(text[start:end].lstrip()), end) for start, end in spans
    )
    return [
        (start, start + len(text[start:end].rstrip()))
        for start, end in stripped
        if text[start:end].strip()
    ]


def split_sentences(text: str, language: str | None) -> list[str]:
    """Returns the sentences of a text; see `sentence_spans`."""
    return [text[start:end] for start, end in sentence_spans(text, language)]


def writes_spaces(language: str | None) -> bool:
    """Whether a language writes a space between two sentences."""
    return re.split("[-_@]", language or "en")[0].lower() not in ("ja", "yue", "zh")


def _is_boundary(before: str, after: str, language: str) -> bool:
    """Whether a sentence ends between two parts of a line, where sentencex says so."""
    if not (_LETTER.search(before) and _LETTER.search(after)) or _CONTINUES.match(after):
        return False
    sentence = before.rstrip()
    if sentence == before and not after[:1].isspace():
        # As in README.Debian and #!/bin/sh.
        return bool(_WITHOUT_SPACES.match(before[-1]) or _WITHOUT_SPACES.match(after))
    word = _LAST_WORD.search(sentence)
    if word is None:
        return True
    is_initial = _INITIAL.fullmatch(word[1]) and after.lstrip()[:1].islower()
    is_ordinal = language in _ORDINAL_LANGUAGES and _ORDINAL.fullmatch(word[1])
    return not (is_initial or is_ordinal or word[1].lower() in _abbreviations(language))


class LengthRatio:
    """Decides by lengths in characters whether two texts may be translations of each other.

    Args:
        expected: the usual length of a target divided by the length of its source.
        factor: the largest allowed ratio to the expected length, in both directions.
        slack: characters allowed in addition, for short texts.
    """

    def __init__(self, expected: float, factor: float = 1.7, slack: int = 8) -> None:
        self._expected = expected
        self._factor = factor
        self._slack = slack

    def accepts(self, source: str, target: str) -> bool:
        """Returns whether the two lengths match."""
        usual = len(source) * self._expected
        return (
            len(target) <= usual * self._factor + self._slack
            and usual <= len(target) * self._factor + self._slack
        )

    def cost(self, source_length: int, target_length: int) -> float:
        """Returns minus the logarithm of the probability of the lengths for a translation.

        Gale and Church (1993), section 3: the difference has a normal distribution, with a variance
        of 6.8 per character.
        """
        usual = source_length * self._expected
        mean = max(1.0, (usual + target_length) / 2)
        deviation = abs(target_length - usual) / math.sqrt(6.8 * mean)
        return -math.log(max(1e-12, math.erfc(deviation / math.sqrt(2))))


def usual_ratio(pairs: Iterable[Pair]) -> float:
    """Returns the median length of a translation in characters, relative to its source.

    Pairs with less than 20 characters of source, and untranslated ones, do not count. Without any
    other it is 1.
    """
    ratios = [
        len(target) / len(source)
        for source, target in pairs
        if len(source) >= _SHORTEST_FOR_RATIO and source != target
    ]
    return median(ratios) if ratios else 1.0


def align(source: str, target: str, languages: tuple[str, str], ratio: LengthRatio) -> list[Pair]:
    """Aligns a paragraph and its translation, sentence by sentence if it is safe.

    Args:
        source: one paragraph.
        target: its translation.
        languages: the codes of both.
        ratio: decides whether lengths match.

    Returns:
        Pairs of single sentences, if both sides have the same number and all lengths match. Else
        an alignment of one or two sentences with one or two, by length. Else, if lengths still do
        not match, the whole paragraph as one pair.
    """
    ours = split_sentences(source, languages[0])
    theirs = split_sentences(target, languages[1])
    pairs = list(zip(ours, theirs, strict=False))
    if len(ours) != len(theirs) or not all(ratio.accepts(*pair) for pair in pairs):
        pairs = _align_by_length(ours, theirs, ratio)
    return pairs if pairs and all(ratio.accepts(*pair) for pair in pairs) else [(source, target)]


def _align_by_length(ours: list[str], theirs: list[str], ratio: LengthRatio) -> list[Pair]:
    """Returns the most likely alignment of one or two sentences with one or two; empty if none.

    Gale and Church, "A Program for Aligning Sentences in Bilingual Corpora" (1993), section 3,
    without deletions and insertions, since translated descriptions have none.
    """
    best: dict[tuple[int, int], tuple[float, list[Pair]]] = {(0, 0): (0.0, [])}
    for i in range(len(ours) + 1):
        for j in range(len(theirs) + 1):
            options = []
            for taken_ours, taken_theirs, rarity in _BEADS:
                before = best.get((i - taken_ours, j - taken_theirs))
                if before is not None:
                    left = " ".join(ours[i - taken_ours : i])
                    right = " ".join(theirs[j - taken_theirs : j])
                    cost = before[0] + rarity + ratio.cost(len(left), len(right))
                    options.append((cost, [*before[1], (left, right)]))
            if options:
                best[i, j] = min(options)
    return best.get((len(ours), len(theirs)), (0.0, []))[1]
