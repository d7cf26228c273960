"""Fills the entries of a file with translations, and counts what became of them."""

import operator
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress

from pipeline.translation_files.entries import CannotFillError, Document, Edit, Entry
from serving.contract.translation import Translation
from text.protected import changed_parts, protected_parts

FILLED = "filled"
Translate = Callable[[Sequence[str]], Iterable[Translation]]
"""Returns the translation of each text, in order."""


@dataclass(frozen=True)
class Filled:
    """A file with more translations.

    Attributes:
        content: its content.
        counts: the number of entries by what became of them: `filled`, a state, or a reason.
        left: the line of each entry that could not be filled, and the reason.
        doubtful: the line of each filled entry with a doubtful translation, and its warnings.
    """

    content: bytes
    counts: Counter[str] = field(default_factory=Counter)
    left: list[tuple[int, str]] = field(default_factory=list)
    doubtful: list[tuple[int, Sequence[str]]] = field(default_factory=list)


def fill(document: Document, translate: Translate, *, fuzzy: bool = False) -> Filled:
    """Translates the entries of a file that have no translation.

    A translation that lacks a part of its source to keep, such as `%s` or a tag, is not written.

    Args:
        document: the file.
        translate: the model.
        fuzzy: whether to translate fuzzy entries again, too.
    """
    wanted = {"untranslated", *(["fuzzy"] if fuzzy else [])}
    is_chosen = [entry.state in wanted and entry.fill is not None for entry in document.entries]
    chosen = list(compress(document.entries, is_chosen))
    texts = {_core(text): "" for entry in chosen for text in entry.sources}
    asked = [text for text in texts if _has_words(text)]
    answers = dict(zip(asked, translate(asked), strict=True)) if asked else {}
    others = compress(document.entries, map(operator.not_, is_chosen))
    filled = Filled(b"", Counter(entry.state for entry in others))
    edits: list[Edit] = []
    for entry in chosen:
        try:
            new = _edits(document, entry, answers)
        except CannotFillError as error:
            filled.counts[str(error)] += 1
            filled.left.append((entry.line, str(error)))
            continue
        edits += new
        filled.counts[FILLED] += 1
        used = (answers[core] for text in entry.sources if (core := _core(text)) in answers)
        if warnings := [warning for answer in used for warning in answer.warnings]:
            filled.doubtful.append((entry.line, warnings))
    changes = document.changes if edits else ()
    return replace(filled, content=document.edited([*edits, *changes]))


def _edits(document: Document, entry: Entry, answers: dict[str, Translation]) -> Sequence[Edit]:
    assert entry.fill is not None
    texts = []
    for source in entry.sources:
        core = _core(source)
        if core not in answers:
            texts.append(source)
            continue
        answer = answers[core]
        if answer.truncated:
            raise CannotFillError("too long for the model")
        if not answer.text.strip():
            raise CannotFillError("empty translation")
        if any(changed_parts(core, answer.text)):
            raise CannotFillError("placeholder or tag lost")
        start = source.index(core)
        texts.append(source[:start] + answer.text.strip() + source[start + len(core) :])
    edits = entry.fill(texts)
    if not document.can_encode(edits):
        raise CannotFillError(f"not in {document.encoding.upper()}")
    return edits


def _core(text: str) -> str:
    """Returns a text without the white space around it, which stays as it is."""
    return text.strip()


def _has_words(text: str) -> bool:
    """Whether a text has letters besides placeholders, tags and the like."""
    for part in protected_parts(text):
        text = text.replace(part, " ", 1)
    return any(character.isalpha() for character in text)
