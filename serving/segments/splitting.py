"""Splits texts into the sentences to translate, and joins the translations."""

import dataclasses
import itertools
from collections.abc import Sequence

from serving.attention.terms import missing_terms, write_terms
from serving.contract.translation import Translation, as_text
from serving.segments.joining import join_sentences
from text.glossary import Glossary
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
        glossary: Glossary | None = None,
    ):
        """Splits texts.

        Args:
          texts: any number, each of any number of sentences and lines.
          languages: of the texts and of their translations.
          split: False to take each text as one sentence.
          glossary: terms that the translations must have.
        """
        source, target = languages
        self._glossary = glossary
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
        """Joins the translations of the sentences to one for each text, with the glossary's terms.

        A term that could not be written gives a warning.
        """
        glossary = self._glossary
        if glossary is not None:
            translations = [
                _with_terms(*each, glossary)
                for each in zip(self.sentences, translations, strict=True)
            ]
        found = iter(translations)
        joined = [
            join_sentences(text, spans, list(itertools.islice(found, len(spans))), self._space)
            for text, spans in zip(self._texts, self._spans, strict=True)
        ]
        return joined if glossary is None else [_with_warning(each, glossary) for each in joined]


def _with_terms(sentence: str, translation: Translation, glossary: Glossary) -> Translation:
    """Writes the terms into a translation and into all its hypotheses."""
    n_best = tuple(write_terms(sentence, each, glossary) for each in translation.n_best)
    return dataclasses.replace(write_terms(sentence, translation, glossary), n_best=n_best)


def _with_warning(translation: Translation, glossary: Glossary) -> Translation:
    missing = [
        term
        for each in translation.sentences
        for term in missing_terms(each.source, each.translation.text, glossary)
    ]
    if not missing:
        return translation
    warning = f"glossary: missing {', '.join(dict.fromkeys(missing))}"
    return dataclasses.replace(translation, warnings=(*translation.warnings, warning))
