"""The bodies of the page's requests and of the gateway's responses."""

import math
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from serving.attention.diagnostics import diagnose_translation
from serving.contract.source_attention import SourceAttention
from serving.contract.translation import Translation
from serving.heatmap.labels import printable
from serving.heatmap.matrix import Heatmap, make_heatmap
from text.direction import Direction

_DECIMALS = 4
_MOST_WORDS = 600
_MOST_CELLS = 10_000
"""Cells of a picture: matplotlib takes about a second for a thousand."""
_LONGEST_TITLE = 200


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TranslationRequest(_Message):
    """A request for a translation."""

    text: str
    version: str | None = Field(default=None, pattern=r"^[0-9]{1,18}$")
    """None for the live version. It is a string, because JavaScript has no 64-bit integers; 18
    digits fit into 64 bits."""


class Matrix(_Message):
    """Attention between words or subwords."""

    source: list[str] = Field(max_length=_MOST_WORDS)
    target: list[str] = Field(max_length=_MOST_WORDS)
    weights: list[list[float]]
    """[target, source]."""
    has_end: bool
    """Whether the last column is the source's end symbol."""
    source_direction: Direction = "ltr"
    target_direction: Direction = "ltr"

    @classmethod
    def of(cls, heatmap: Heatmap) -> "Matrix":
        """Converts a heatmap."""
        return cls.model_construct(
            source=list(heatmap.source),
            target=list(heatmap.target),
            weights=np.round(heatmap.weights.astype(float), _DECIMALS).tolist(),
            has_end=heatmap.has_end,
            source_direction=heatmap.source_direction,
            target_direction=heatmap.target_direction,
        )

    def heatmap(self) -> Heatmap:
        """Converts the matrix back to a heatmap.

        Raises:
          ValueError: it is invalid, empty, or too large to be drawn.
        """
        rows, columns = len(self.target), len(self.source)
        if not rows or not columns:
            raise ValueError("There is nothing to draw.")
        if rows * columns > _MOST_CELLS:
            raise ValueError("This is too large for a picture. Try a shorter text.")
        if len(self.weights) != rows or any(len(row) != columns for row in self.weights):
            raise ValueError("The weights do not fit the words.")
        weights = np.array(self.weights, np.float32)
        if not ((weights >= 0) & (weights <= 1)).all():
            raise ValueError("A weight is not between 0 and 1.")
        return Heatmap(
            source=tuple(map(printable, self.source)),
            target=tuple(map(printable, self.target)),
            weights=weights,
            has_end=self.has_end,
            source_direction=self.source_direction,
            target_direction=self.target_direction,
        )


class PictureRequest(_Message):
    """A request for a picture of the page's heatmap.

    It includes the weights, so the picture shows this translation even if the live version changed
    meanwhile.
    """

    format: Literal["png", "svg"]
    title: str = ""
    matrix: Matrix

    def shown_title(self) -> str:
        """Returns the title for the picture, printable and shortened."""
        return printable(self.title)[:_LONGEST_TITLE]


class Hypothesis(_Message):
    """One translation of the beam."""

    text: str
    score: float | None
    """Log-probability divided by the length penalty."""
    words: Matrix
    tokens: Matrix
    pattern: str | None
    """The pattern of its attention (`serving.attention.diagnostics`); None without words."""
    never_looked_at: list[str]
    looked_at_again: list[str]

    @classmethod
    def of(cls, source: str, translation: Translation) -> "Hypothesis":
        """Converts a translation of a source."""
        found = diagnose_translation(source, translation)
        return cls.model_construct(
            text=translation.text,
            score=round(translation.score, _DECIMALS) if math.isfinite(translation.score) else None,
            words=Matrix.of(make_heatmap(source, translation)),
            tokens=Matrix.of(make_heatmap(source, translation, tokens=True)),
            pattern=found.pattern.value if found else None,
            never_looked_at=list(map(printable, found.never_looked_at)) if found else [],
            looked_at_again=list(map(printable, found.looked_at_again)) if found else [],
        )


class TranslationAnswer(_Message):
    """The hypotheses of the beam, best first."""

    version: str
    """The version used."""
    truncated: bool
    warnings: list[str]
    """Why the best hypothesis is doubtful."""
    hypotheses: list[Hypothesis]
    shows_source: bool
    """Whether the version shows where its encoder looks."""


class SourceSentence(_Message):
    """Where the encoder looks in a sentence."""

    layers: list[list[Matrix]]
    """The words of the sentence on both sides, for each head of each layer."""

    @classmethod
    def of(cls, found: SourceAttention) -> "SourceSentence":
        """Converts the self-attention of a sentence."""
        layers, heads = found.weights.shape[:2]
        return cls.model_construct(
            layers=[
                [
                    Matrix.of(make_heatmap(found.text, found.of_head(layer, head)))
                    for head in range(heads)
                ]
                for layer in range(layers)
            ]
        )


class SourceAnswer(_Message):
    """Where the encoder looks in a text."""

    sentences: list[SourceSentence]
    omitted: int
    """Number of further sentences."""


class VersionState(_Message):
    """A version on the server."""

    version: str
    state: str
    is_available: bool
    problem: str
    date: str | None
    """The day of its push in UTC, such as `2026-03-01`; None if its number is no time."""
    bleu: float | None
    """On the validation split; None without a model card."""
    chrf: float | None


class VersionsAnswer(_Message):
    """The versions known to the server, the newest first, and the default one."""

    live: str | None
    versions: list[VersionState]


class ModelAnswer(_Message):
    """The page's information about the model, before the first translation."""

    model: str
    server: str
    source_language: str | None
    target_language: str | None
    examples: list[str]
    max_characters: int


class ErrorAnswer(_Message):
    """The body of every error response."""

    error: str
