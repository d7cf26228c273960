"""A glossary: terms of the source language, each with the term that must translate it.

A file has a line `source term<TAB>target term` for each. Empty lines and lines that begin with `#`
are left out.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Self

from text.characters import compose
from text.words import needs_segmentation

_SHORTEST_STEM = 4


class GlossaryError(ValueError):
    """A glossary cannot be read; the message says where and what to do."""


class Term(NamedTuple):
    """A term that stands in a text."""

    start: int
    """Its place in the text, in characters."""
    end: int
    target: str
    """The term of the target language, as in the glossary."""


class Glossary:
    """Finds the terms of a glossary in texts."""

    def __init__(self, terms: Iterable[tuple[str, str]]):
        """Takes pairs of a source term and its target term.

        Raises:
          GlossaryError: a term is empty, or a source term has two target terms.
        """
        self._targets: dict[str, str] = {}
        for pair in terms:
            source, target = (" ".join(compose(term).split()) for term in pair)
            if not source or not target:
                raise GlossaryError(f"The glossary has an empty term in {pair}: give both.")
            if self._targets.setdefault(source, target) != target:
                raise GlossaryError(
                    f"The glossary has two translations of {source!r}, {self._targets[source]!r} "
                    f"and {target!r}: keep one."
                )
        self._folded: dict[str, list[str]] = {}
        for source in self._targets:
            self._folded.setdefault(source.lower(), []).append(source)
        longest_first = sorted(self._folded, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_whole_words, longest_first)), re.IGNORECASE)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Reads a glossary from a file of tab-separated lines, UTF-8.

        Raises:
          GlossaryError: the file cannot be read, or a line has no two columns.
        """
        try:
            lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise GlossaryError(
                f"The glossary {str(path)!r} cannot be read ({reason}): give another file."
            ) from error
        terms = []
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.startswith("#"):
                continue
            columns = [column.strip() for column in line.split("\t")]
            if len(columns) != 2 or not all(columns):
                raise GlossaryError(
                    f"Line {number} of the glossary {str(path)!r} must be a source term, a tab and "
                    "a target term."
                )
            terms.append((columns[0], columns[1]))
        return cls(terms)

    def find(self, text: str) -> list[Term]:
        """Finds the terms of a text in its normal form (`text.characters.compose`).

        Whole words are found, the longest term first. A term in small letters is found in any case,
        one with capitals as it is written. A text in capitals has each term.

        Returns:
          The terms in their order; they do not overlap.
        """
        if not self._targets:
            return []
        found = []
        for match in self._pattern.finditer(text):
            source = self._source(" ".join(match[0].split()), text.isupper())
            if source is not None:
                found.append(Term(*match.span(), self._targets[source]))
        return found

    def _source(self, written: str, is_in_capitals: bool) -> str | None:
        """Returns the term of the glossary that a text has in this spelling."""
        if written in self._targets:
            return written
        return next(
            (
                source
                for source in self._folded.get(written.lower(), ())
                if is_in_capitals or source.islower()
            ),
            None,
        )


def count_term(target: str, text: str) -> int:
    """Counts a target term in a translation, in any case.

    A term of four letters or more may be a part of a word, which is then a form or a compound of
    it: `Hunde`, `Schäferhund`. A shorter one must be a word: `See` is no part of `Seele`.
    """
    if len(target) >= _SHORTEST_STEM:
        return text.casefold().count(target.casefold())
    return len(re.findall(_whole_words(target), text, re.IGNORECASE))


def _whole_words(term: str) -> str:
    """Returns a pattern of a term that stands alone; scripts without spaces have no bounds."""
    words = r"\s+".join(map(re.escape, term.split()))
    before = r"(?<!\w)" if _is_bounded(term[0]) else ""
    after = r"(?!\w)" if _is_bounded(term[-1]) else ""
    return f"{before}{words}{after}"


def _is_bounded(character: str) -> bool:
    return character.isalnum() and not needs_segmentation(character)
