"""The filters, by their names in `data.filters`.

A new filter needs a function of source and target in a module of this package, and its name here
twice. A class is a filter too: it is made with the profile of the corpus, and called with a pair.
This module imports no filter, because the configuration uses it.
"""

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from components.filters.profile import CorpusProfile

Filter = Callable[[str, str], str | None]
"""Returns what is wrong with the source and target of a pair, in a few words; None if nothing."""

FilterName = Literal[
    "identical_sides",
    "wrong_script",
    "mojibake",
    "few_letters",
    "character_ratio",
    "repeated_words",
    "markup_differs",
    "swapped_columns",
    "wrong_language",
    "numbers_differ",
    "near_duplicates",
]
FILTER_NAMES: tuple[FilterName, ...] = get_args(FilterName)
NEAR_DUPLICATES = "near_duplicates"
"""The only filter that needs other pairs of the corpus than the one to judge. It comes last, so
the pair that it keeps is one that all others keep."""
DEFAULT_FILTERS = FILTER_NAMES[: FILTER_NAMES.index("wrong_language")]
"""Those that find next to nothing in clean text of any language: `benchmarks/data/filtering.py`
measures each. `wrong_language` would find most of a dialect that its identifier does not know."""

FILTERS = {
    "identical_sides": "two_sides:identical_sides",
    "wrong_script": "characters:WrongScript",
    "mojibake": "characters:mojibake",
    "few_letters": "two_sides:few_letters",
    "character_ratio": "two_sides:CharacterRatio",
    "repeated_words": "two_sides:repeated_words",
    "markup_differs": "two_sides:markup_differs",
    "swapped_columns": "language:SwappedColumns",
    "wrong_language": "language:WrongLanguage",
    "numbers_differ": "two_sides:numbers_differ",
}
"""Module and name of each filter of single pairs."""


class PairFilters:
    """The chosen filters of single pairs, in their order.

    Args:
        names: names of filters.
        profile: what is usual in the corpus.
    """

    def __init__(self, names: Iterable[str], profile: "CorpusProfile") -> None:
        self._filters = [(name, _make(name, profile)) for name in names if name in FILTERS]

    def find(self, source: str, target: str) -> tuple[str, str] | None:
        """Returns the name of the first filter that finds something, and what it found."""
        for name, find in self._filters:
            if detail := find(source, target):
                return name, detail
        return None


def _make(name: str, profile: "CorpusProfile") -> Filter:
    module, _, attribute = FILTERS[name].partition(":")
    found = getattr(import_module(f"{__package__}.{module}"), attribute)
    made: Filter = found(profile) if isinstance(found, type) else found
    return made
