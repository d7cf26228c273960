"""Splits texts into the sentences to translate, and joins the translations."""

import itertools
from collections.abc import Sequence

from serving.contract.translation import Translation, as_text
from serving.segments.joining import join_sentences
from text.sentences import sentence_spans, writes_spaces

Languages = tuple[str | None, str | None]
"""The codes of source and target; None where unknown."""

_LONGEST = 20_000
"""Characters of a text that is split. The attention of a whole text grows with their square; a
longer text is cut by the model, and marked as truncated."""


class SplitTexts:
    """Texts, and all their sentences in one list."""

    def __init__(
        self,
        texts: Sequence[str | bytes],
        languages: Languages = (None, None),
        *,
        split: bool = True,
    ):
        """Splits texts.

        Args:
          texts: any number, each of any number of sentences and lines.
          languages: of the texts and of their translations.
          split: False to take each text as one sentence.
        """
        source, target = languages
        self._space = " " if writes_spaces(target) else ""
        self._texts = [as_text(text) if isinstance(text, bytes) else text for text in texts]
        # A text without sentences is translated as it is, for its form without tokens.
        self._spans = [
            (split and len(text) <= _LONGEST and sentence_spans(text, source)) or [(0, len(text))]
            for text in self._texts
        ]
        self.sentences = [
            text[start:end]
            for text, spans in zip(self._texts, self._spans, strict=True)
            for start, end in spans
        ]

    def join(self, translations: Sequence[Translation]) -> list[Translation]:
        """Joins the translations of the sentences to one for each text."""
        found = iter(translations)
        return [
            join_sentences(text, spans, list(itertools.islice(found, len(spans))), self._space)
            for text, spans in zip(self._texts, self._spans, strict=True)
        ]
