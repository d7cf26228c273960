"""The dictionary Ding: entries of one line, as in `Haus {n} | Häuser {pl} :: house | houses`.

`|` separates forms and examples of an entry, which correspond one by one, and `;` synonyms.
Grammar, domains, pronunciations and usage are in braces, brackets, slashes and parentheses.
"""

import re
from collections.abc import Iterator

from pipeline.corpora.packages.kind import BilingualKind
from text.sentences import Pair

_NOTES = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]|\([^()]*\)|<[^<>]*>|(?<!\S)/[^/]*/(?!\S)")
_ALTERNATIVES = re.compile(r"(?<=[\w.])/[^\s/,;!?]+")
"""As in `Arzt/Ärztin` or `sb./sth.`: the first one stays."""
_UNCLEAR = re.compile(r"[][(){}<>/]")
"""Brackets left over from notes in notes, and alternatives of several words."""
_SPACE_BEFORE_SIGN = re.compile(r"\s+(?=[,.!?])")
_SENTENCE = re.compile(r"(?:\S+\s+){2,}\S+[.!?][\"'”“’]?")


def _is_dictionary(path: str, names: frozenset[str]) -> bool:
    return path in {f"usr/share/trans/{name}-en" for name in names}


def read_dictionary(content: bytes) -> Iterator[Pair]:
    """Yields English words and phrases, and example sentences, with their translations.

    Args:
        content: the dictionary, with English on the right.

    Raises:
        ValueError: it is not UTF-8.
    """
    for line in content.decode("utf-8").split("\n"):
        theirs, separator, ours = line.partition("::")
        if not separator or line.startswith("#"):
            continue
        sources, targets = ours.split("|"), theirs.split("|")
        if len(sources) == len(targets):
            for source, target in zip(sources, targets, strict=True):
                yield from _pairs(_synonyms(source), _synonyms(target))


def _synonyms(cell: str) -> list[str]:
    plain = _NOTES.sub(" ", _NOTES.sub(" ", cell))
    texts = (_ALTERNATIVES.sub("", text) for text in plain.split(";"))
    cleaned = (_SPACE_BEFORE_SIGN.sub("", " ".join(text.split())) for text in texts)
    return [text for text in cleaned if text and not _UNCLEAR.search(text)]


def _pairs(sources: list[str], targets: list[str]) -> Iterator[Pair]:
    """Pairs synonyms by their order; with unequal numbers, each with the first of the other side.

    A semicolon in a sentence separates other wordings, too, but a sentence has no other synonyms
    than sentences.
    """
    if not sources or not targets:
        return
    is_sentence = [bool(_SENTENCE.fullmatch(texts[0])) for texts in (sources, targets)]
    if len(sources) == len(targets):
        yield from zip(sources, targets, strict=True)
    elif all(is_sentence):
        yield sources[0], targets[0]
    elif not any(is_sentence):
        yield from ((source, targets[0]) for source in sources)
        yield from ((sources[0], target) for target in targets[1:])


KIND = BilingualKind(_is_dictionary, read_dictionary)
