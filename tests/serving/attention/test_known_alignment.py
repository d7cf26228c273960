"""Attention finds the alignments of a language with known alignments."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.alignment.aligned_language import (
    VOCABULARY,
    AlignedText,
    aligned_text,
    alignment_error_rate,
    share_of_right_words,
    spelled,
)
from serving.attention.alignment import Link, align_words
from serving.attention.words import attention_of_words
from serving.local.model import LocalModel
from trainer.export import export_model
from trainer.model import TranslationModel
from trainer.settings import DecodingSettings, ModelSettings, SubwordSettings, TrainingSettings
from trainer.training import TrainingData, train

TRAINING = TrainingSettings(
    epochs=20,
    patience=20,  # BLEU stays 0 until the first words are translated, sometimes for seven epochs
    tokens_per_batch=300,
    learning_rate=0.003,
    warmup_steps=50,
    # Without dropout a neighbour's state contains enough information, so attention may be beside
    # the word.
    dropout=0.1,
    label_smoothing=0.0,
    average_decay=0.98,
    validation_sentences=50,
    precision="float32",
)

SIZES = {"embedding_size": 32, "encoder_units": 32, "attention_units": 32}
COPYING = {"copying": False}  # every word of this language differs from its translation
MODELS = {
    "bahdanau": (ModelSettings(**COPYING, **SIZES, decoder_units=64), TRAINING),
    "none": (ModelSettings(**COPYING, **SIZES, decoder_units=64, attention="none"), TRAINING),
    "self-attention": (
        ModelSettings(
            **COPYING,
            **SIZES,
            decoder_units=32,
            encoder="self_attention",
            decoder="self_attention",
            attention_heads=2,
            encoder_layers=2,
            decoder_layers=2,
            feed_forward_units=64,
        ),
        TRAINING.model_copy(update={"dropout": 0.0, "learning_rate": 0.002}),
    ),
}

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture(scope="module")
def heldout() -> AlignedText:
    return aligned_text(np.random.default_rng(2), 200)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TranslationModel]:
    """Returns models by name.

    Two have equal size and the same training, with attention and without; one has self-attention.
    """
    rng = np.random.default_rng(1)
    data = TrainingData(aligned_text(rng, 3000).pairs, aligned_text(rng, 50).pairs, VOCABULARY)

    def trained(name: str) -> TranslationModel:
        folder = tmp_path_factory.mktemp(name)
        folders = {f"{each}_folder": str(folder / each) for each in ("checkpoint", "log")}
        shape, training = MODELS[name]
        return train(data, shape, training, DecodingSettings(), seed=1, **folders).model

    return {name: trained(name) for name in MODELS}


@pytest.mark.parametrize(("name", "most"), [("bahdanau", 0.1), ("self-attention", 0.05)])
def test_attention_lies_on_the_word_that_is_translated(models, heldout, name, most) -> None:
    assert alignment_error_rate(models[name], heldout) < most


def test_a_fixed_context_cannot_point(models, heldout) -> None:
    assert alignment_error_rate(models["none"], heldout) > 0.5


def test_without_attention_long_sentences_are_lost(models, heldout) -> None:
    with_attention, without = (
        share_of_right_words(models[kind], heldout, longer_than=14) for kind in ("bahdanau", "none")
    )
    assert with_attention > 0.8
    assert without < with_attention / 2


def aligned_by_the_export(
    model: TranslationModel, text: AlignedText, folder: Path
) -> list[Sequence[Link]]:
    """Returns the links of `nmt align` for each sentence with a given translation."""
    vocabulary = folder / "subwords.txt"
    vocabulary.write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    sources, targets = (
        [spelled(side[row]) for row in range(len(text.alignments))] for side in text.pairs
    )
    export_model(
        str(folder / "model"),
        model,
        str(vocabulary),
        SubwordSettings(),
        DecodingSettings(),
        card={"name": "aligned"},
        warmup_text=sources[0],
    )
    scored = LocalModel(folder / "model").score(sources, targets)
    return [
        align_words(attention_of_words(source, translation))
        for source, translation in zip(sources, scored, strict=True)
    ]


def test_nmt_align_finds_the_alignments(models, heldout, tmp_path) -> None:
    found = aligned_by_the_export(models["bahdanau"], heldout, tmp_path)
    known = [
        {(int(source), target) for target, source in enumerate(alignment)}
        for alignment in heldout.alignments
    ]
    right = sum(len(gold & set(links)) for gold, links in zip(known, found, strict=True))
    # Och and Ney (2003), with all known links sure.
    error_rate = 1 - 2 * right / (sum(map(len, found)) + sum(map(len, known)))
    assert error_rate <= 0.1
