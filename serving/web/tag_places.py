"""Places inline tags in a translation by its attention.

An element of the source goes around the target words that are aligned with its words. This needs no
model that copies tags. Elements never overlap: each takes words that no other one has.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from serving.attention.alignment import align_words
from serving.attention.words import attention_of_words
from serving.contract.translation import Translation

Span = tuple[int, int]
"""Start and end of a word, in characters."""
_NOBODY = 0


@dataclass
class Element:
    """An element within a sentence, or a tag alone.

    Attributes:
      start: the place in the source, in characters.
      before: the tag that opens it.
      end: its end in the source; that of a tag alone is its start.
      after: the tag that closes it, empty for a tag alone.
      children: the elements in it, in their order.
      has_spaces: whether there are spaces before and after a tag alone.
    """

    start: int
    before: str = ""
    end: int = -1
    after: str = ""
    children: list["Element"] = field(default_factory=list)
    has_spaces: tuple[bool, bool] = (False, False)


def place_tags(root: Element, source: str, translation: Translation) -> list[str]:
    """Divides a translation at the places of tags.

    Args:
      root: its children are the elements of the source.
      source: the source without tags.
      translation: its translation.

    Returns:
      Texts and tags in turn, the first and the last one being texts.
    """
    words = attention_of_words(source, translation, split_punctuation=True)
    placer = _Placer(
        _spans(source, words.source_words),
        _spans(translation.text, words.target_words),
        align_words(words),
    )
    placer.choose_words(root, _NOBODY)
    items = [""]
    placer.write(root, translation.text, 0, len(translation.text), items)
    return items


class _Placer:
    def __init__(
        self, sources: Sequence[Span], targets: Sequence[Span], links: Sequence[tuple[int, int]]
    ):
        self._sources, self._targets = sources, targets
        self._source_of = {target: source for source, target in links}
        self._owners = [_NOBODY] * len(targets)
        self._places: dict[int, Span] = {}

    def choose_words(self, parent: Element, owner: int) -> None:
        """Finds the place of each element within its parent, which owns some of the words."""
        for element in parent.children:
            chosen = [
                target
                for target, source in self._source_of.items()
                if self._owners[target] == owner and self._is_in(source, element)
            ]
            if chosen:
                first = last = min(chosen)
                while last < max(chosen) and self._owners[last + 1] == owner:
                    last += 1
                self._owners[first : last + 1] = [id(element)] * (last + 1 - first)
                place = self._targets[first][0], self._targets[last][1]
            else:
                place = (self._beside(element),) * 2
            self._places[id(element)] = place
        for element in parent.children:
            self.choose_words(element, id(element))

    def write(self, parent: Element, text: str, start: int, end: int, items: list[str]) -> None:
        """Appends the text between two places, with the elements of the parent in it."""
        for element in sorted(parent.children, key=lambda child: self._places[id(child)]):
            first, last = (min(max(place, start), end) for place in self._places[id(element)])
            items[-1] += text[start:first]
            items += [element.before, ""]
            _keep_spaces(items, element, text[last : last + 1])
            self.write(element, text, first, last, items)
            if element.after:
                items += [element.after, ""]
            start = last
        items[-1] += text[start:end]

    def _is_in(self, source: int, element: Element) -> bool:
        start, end = self._sources[source]
        return start < element.end and element.start < end

    def _beside(self, element: Element) -> int:
        """Returns the place of a tag alone: at the source word that it touches, or the next."""
        pairs = [(source, target) for target, source in self._source_of.items()]
        if element.has_spaces == (False, True):
            before = [pair for pair in pairs if self._sources[pair[0]][1] <= element.start]
            if before:
                return self._targets[max(before)[1]][1]
        after = [pair for pair in pairs if self._sources[pair[0]][0] >= element.start]
        if after:
            return self._targets[min(after)[1]][0]
        return self._targets[-1][1] if self._targets else 0


def _keep_spaces(items: list[str], element: Element, following: str) -> None:
    """Writes spaces around a tag alone, the last one, as the source has them."""
    before, after = element.has_spaces
    is_spaced = items[-3][-1:].isspace()
    if before and items[-3] and not is_spaced:
        items[-3] += " "
    if after and following.strip() and (before or not is_spaced):
        items[-1] = " "


def _spans(text: str, words: Sequence[str]) -> list[Span]:
    spans: list[Span] = []
    start = 0
    for word in words:
        start = max(start, text.find(word, start))
        spans.append((start, start + len(word)))
        start += len(word)
    return spans
