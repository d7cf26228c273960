"""A language whose word alignments are known: does attention find them?

Source words come in any order, so nothing can be guessed: each word has one translation, and some
words ("adjectives") stand after their neighbour in the target. So target position t comes from
source position `alignment[t]`.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from trainer.batching import Pairs, Sequences
from trainer.model import TranslationModel
from trainer.settings import DecodingSettings, ModelSettings, TrainingSettings
from trainer.subwords import END, RESERVED, vocabulary_lines
from trainer.training import TrainingData, train
from trainer.translation import force, search

WORDS, ADJECTIVES = 30, 10
VOCABULARY = vocabulary_lines(
    [f"▁{side}{i}" for side in ("source", "target") for i in range(WORDS)]
)
TRAINING = TrainingSettings(
    epochs=30,
    tokens_per_batch=600,
    learning_rate=0.005,
    warmup_steps=50,
    # Without it the states of neighbours say enough, and attention may lie beside the word.
    dropout=0.1,
    average_decay=0.98,
    validation_sentences=50,
    precision="float32",
)

pytestmark = pytest.mark.slow


class AlignedText(NamedTuple):
    pairs: Pairs
    alignments: list[np.ndarray]


def aligned_text(rng: np.random.Generator, sentences: int) -> AlignedText:
    sources, targets, alignments = [], [], []
    for length in rng.integers(3, 21, sentences):
        words = rng.integers(0, WORDS, length)
        alignment = np.arange(length)
        position = 0
        while position < length - 1:
            if words[position] < ADJECTIVES:
                alignment[[position, position + 1]] = position + 1, position
                position += 1
            position += 1
        sources.append(RESERVED + words)
        targets.append(RESERVED + WORDS + words[alignment])
        alignments.append(alignment)
    return AlignedText(Pairs(Sequences.of(sources), Sequences.of(targets)), alignments)


@pytest.fixture(scope="module")
def heldout() -> AlignedText:
    return aligned_text(np.random.default_rng(2), 200)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TranslationModel]:
    """Two models of equal size, trained alike: with attention and without."""
    rng = np.random.default_rng(1)
    data = TrainingData(aligned_text(rng, 3000).pairs, aligned_text(rng, 50).pairs, VOCABULARY)

    def trained(attention: str, folder: Path) -> TranslationModel:
        shape = ModelSettings(
            attention=attention,
            copying=False,  # no word of this language is written alike on both sides
            attention_units=32,
            embedding_size=32,
            encoder_units=32,
            decoder_units=64,
        )
        folders = {f"{name}_folder": str(folder / name) for name in ("checkpoint", "log")}
        return train(data, shape, TRAINING, DecodingSettings(), seed=1, **folders).model

    return {kind: trained(kind, tmp_path_factory.mktemp(kind)) for kind in ("bahdanau", "none")}


def alignment_error_rate(model: TranslationModel, text: AlignedText) -> float:
    """1 - 2 |A and S| / (|A| + |S|) (Och and Ney, 2003), where all links are sure and A links each
    target word with the source position of the largest weight."""
    rows = np.arange(len(text.alignments))
    _, attention = force(
        model,
        tf.constant(text.pairs.source.padded(rows)),
        tf.constant(text.pairs.target.padded(rows)),
    )
    found = attention.numpy().argmax(axis=-1)
    right = sum(
        np.count_nonzero(found[row, : len(gold)] == gold)
        for row, gold in enumerate(text.alignments)
    )
    words = sum(len(gold) for gold in text.alignments)
    return 1 - 2 * right / (words + words)


def share_of_right_words(model: TranslationModel, text: AlignedText, longer_than: int) -> float:
    """How many target words of the longer sentences the model's own translation has in their
    place."""
    rows = np.flatnonzero(text.pairs.source.lengths > longer_than)
    expected = text.pairs.target.padded(rows)
    sources = tf.constant(text.pairs.source.padded(rows))
    found = search(model, sources, DecodingSettings(), beam_size=1).ids[:, 0].numpy()
    width = expected.shape[1]
    found = np.pad(found[:, :width], [(0, 0), (0, max(0, width - found.shape[1]))])
    is_word = expected > END
    return float(np.mean((found == expected)[is_word]))


def test_attention_lies_on_the_word_that_is_translated(models, heldout) -> None:
    assert alignment_error_rate(models["bahdanau"], heldout) < 0.1


def test_a_fixed_context_cannot_point(models, heldout) -> None:
    assert alignment_error_rate(models["none"], heldout) > 0.5


def test_without_attention_long_sentences_are_lost(models, heldout) -> None:
    with_attention, without = (
        share_of_right_words(models[kind], heldout, longer_than=14) for kind in ("bahdanau", "none")
    )
    assert with_attention > 0.8
    assert without < with_attention / 2
