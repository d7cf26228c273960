"""Translates in this process with an exported model: no server, no TFX, only TensorFlow."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from serving.contract import layout
from serving.contract.batching import batches_by_length, in_order
from serving.contract.signatures import N_BEST, SCORE, SERVING_DEFAULT
from serving.contract.translation import (
    ScoredTranslation,
    Translation,
    as_bytes,
    as_text,
    read_n_best,
    read_scored,
    read_translation,
)
from serving.local.saved_model import SavedModel
from serving.segments.splitting import Languages, SplitTexts
from text.glossary import Glossary

Result = TypeVar("Result")


def read_languages(directory: str | Path) -> Languages:
    """Reads the languages of a model from its card."""
    try:
        card = json.loads(Path(directory, layout.MODEL_CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None, None
    languages = [card.get(f"{side}_language") for side in ("source", "target")]
    source, target = (each if isinstance(each, str) else None for each in languages)
    return source, target


class LocalModel:
    """An exported model, loaded once for any number of calls."""

    def __init__(self, directory: str | Path, batch_size: int = 32):
        """Loads the model.

        Args:
          directory: the folder with `saved_model.pb`.
          batch_size: texts per batch; it changes the speed, never an answer.

        Raises:
          ModelLoadError: the folder has no model, or it cannot be read.
          ValueError: the batch size is below 1.
        """
        if batch_size < 1:
            raise ValueError(f"The batch size must be at least 1, not {batch_size}.")
        self.batch_size = batch_size
        self._model = SavedModel(directory)
        self.languages = read_languages(directory)

    def translate(
        self,
        texts: Sequence[str | bytes],
        n_best: bool = False,
        split: bool = True,
        glossary: Glossary | None = None,
    ) -> list[Translation]:
        """Translates texts.

        Args:
          texts: [batch], any number; invalid UTF-8 is read as U+FFFD.
          n_best: whether to return all hypotheses of the beam.
          split: whether to translate each sentence of a text by itself.
          glossary: terms that the translations must have.

        Returns:
          One translation per text, in the order of the texts.

        Raises:
          ModelCallError: the model lacks the signature, or failed.
        """
        whole = SplitTexts(texts, self.languages, split=split, glossary=glossary)
        encoded = [as_bytes(text) for text in whole.sentences]
        signature, read = (N_BEST, read_n_best) if n_best else (SERVING_DEFAULT, read_translation)

        def run(batch: Sequence[int]) -> list[Translation]:
            response = self._model.call(signature, text=[encoded[position] for position in batch])
            return [read(response, row) for row in range(len(batch))]

        return whole.join(self._in_batches([len(text) for text in encoded], run))

    def score(
        self, texts: Sequence[str | bytes], targets: Sequence[str | bytes]
    ) -> list[ScoredTranslation]:
        """Scores given translations by forced decoding.

        Args:
          texts: sources [batch].
          targets: a translation of each [batch].

        Returns:
          One result per pair, in order, with each target token's log-probability and attention.

        Raises:
          ValueError: the numbers of targets and texts differ.
          ModelCallError: the model lacks the signature, or failed.
        """
        if len(texts) != len(targets):
            raise ValueError(
                f"Each text needs one target: {len(texts)} texts have {len(targets)} targets."
            )
        sources = [as_bytes(text) for text in texts]
        given = [as_bytes(target) for target in targets]

        def run(batch: Sequence[int]) -> list[ScoredTranslation]:
            response = self._model.call(
                SCORE,
                text=[sources[position] for position in batch],
                target=[given[position] for position in batch],
            )
            return [
                read_scored(response, row, as_text(given[position]))
                for row, position in enumerate(batch)
            ]

        return self._in_batches(
            [max(map(len, pair)) for pair in zip(sources, given, strict=True)], run
        )

    def _in_batches(
        self, lengths: Sequence[int], run: Callable[[Sequence[int]], list[Result]]
    ) -> list[Result]:
        """Runs batches of similar length, for the least padding, and restores the order."""
        batches = batches_by_length(lengths, self.batch_size)
        return in_order(batches, [run(batch) for batch in batches])
