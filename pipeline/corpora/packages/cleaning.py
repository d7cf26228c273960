"""Cuts texts of packages into pairs of sentences, and drops those that teach no translation."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from pipeline.corpora.descriptions import drop_reason
from pipeline.corpora.text import one_line
from text.protected import changed_parts, may_have_parts, protected_parts
from text.sentences import LengthRatio, Pair, align

_STYLE_TAG = re.compile(
    r"</?(?:a|b|big|code|em|emph|i|font|p|s|small|span|strong|tt|u|ul|li|qt|nobr|html|body|head)"
    r"(?:\s[^<>]*)?/?>|<br\s*/?>",
    re.IGNORECASE,
)
"""Formats text; other tags, such as `<name>`, are filled with text and must be kept."""
_SEVERAL_SENTENCES = re.compile(r"[.!?…:;][\"'”’»)\]]*\s|[。！？؟।։።]")
_LEAST_LETTERS = 0.5
_FEWEST_WORDS = 4
_MOST_SHARED_WORDS = 0.6
_TAG_SPACES = re.compile(" {2,}")


def clean_pairs(
    pairs: Iterable[Pair],
    languages: tuple[str, str],
    ratio: LengthRatio,
) -> tuple[list[Pair], Counter[str]]:
    """Cuts pairs of paragraphs into sentences and drops what is no translation.

    Args:
        pairs: paragraphs, messages or entries of a dictionary, and their translations.
        languages: the codes of both.
        ratio: decides whether lengths match.

    Returns:
        Distinct pairs in their order, and the number of dropped pairs by reason.
    """
    dropped = Counter[str]()
    kept: dict[Pair, None] = {}
    for ours, theirs in pairs:
        source, target = _plain(ours), _plain(theirs)
        for pair in _sentences(source, target, languages, ratio):
            reason = drop_reason(pair, ratio) or _further_reason(pair)
            if reason is None and pair in kept:
                reason = "duplicate"
            if reason:
                dropped[reason] += 1
            else:
                kept[pair] = None
    return list(kept), dropped


def _plain(text: str) -> str:
    return _TAG_SPACES.sub(" ", one_line(_STYLE_TAG.sub(" ", text)))


def _sentences(
    source: str, target: str, languages: tuple[str, str], ratio: LengthRatio
) -> Sequence[Pair]:
    if _SEVERAL_SENTENCES.search(source) or _SEVERAL_SENTENCES.search(target):
        return align(source, target, languages, ratio)
    return [(source, target)]


def _further_reason(pair: Pair) -> str | None:
    source, target = pair
    if not any(map(str.isalpha, target)):
        return "no letters"
    has_signs = may_have_parts(source) or may_have_parts(target)
    parts = "".join(protected_parts(source)) if has_signs else ""
    visible = len("".join(source.split()))
    letters = sum(map(str.isalpha, source)) - sum(map(str.isalpha, parts))
    if letters < _LEAST_LETTERS * (visible - len(parts)) or letters < 2:
        return "mostly signs"
    if has_signs:
        changes = changed_parts(source, target)
        if changes.missing or changes.added:
            return "placeholders differ"
    words = target.lower().split()
    english = set(source.lower().split())
    if len(words) >= _FEWEST_WORDS and (
        sum(word in english for word in words) > _MOST_SHARED_WORDS * len(words)
    ):
        return "mostly untranslated"
    return None
