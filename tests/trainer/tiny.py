"""A network and a vocabulary small enough for unit tests, and text to train them on."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from trainer.batching import Pairs, Sequences
from trainer.settings import DecodingSettings, ModelSettings, SubwordSettings, TrainingSettings
from trainer.subwords import SubwordEncoder, vocabulary_lines

MODEL = ModelSettings(embedding_size=8, encoder_units=8, decoder_units=16, attention_units=8)
SUBWORDS = SubwordSettings(vocabulary_size=320, max_piece_characters=6)
DECODING = DecodingSettings(beam_size=3, max_source_tokens=32)
TRAINING = TrainingSettings(
    epochs=2, tokens_per_batch=40, learning_rate=0.01, warmup_steps=2, precision="float32"
)
NOUNS = {"cat": "Katze", "dog": "Hund", "mat": "Matte", "house": "Haus"}
VERBS = {"sees": "sieht", "likes": "mag", "finds": "findet"}


def parallel_text() -> list[tuple[str, str]]:
    """Returns all sentences of subject, verb and object from the words above, with translations."""
    return [
        (f"The {s} {v} the {o}.", f"Die {NOUNS[s]} {VERBS[v]} die {NOUNS[o]}.")
        for s in NOUNS
        for v in VERBS
        for o in NOUNS
    ]


def write_vocabulary(folder: Path) -> str:
    """Writes a vocabulary of the characters and some words of the text, and returns its path."""
    text = " ".join(side for pair in parallel_text() for side in pair)
    words = ["▁The", "▁the", "▁Die", "▁die", "▁cat", "▁Hund"]
    pieces = ["▁", *sorted(set(text) - {" "}), *words]
    path = folder / "subwords.txt"
    path.write_text("\n".join(vocabulary_lines(pieces)) + "\n", encoding="utf-8")
    return str(path)


def encoded_pairs(vocabulary_path: str) -> Pairs:
    """Returns the text as ids."""
    encode = SubwordEncoder(vocabulary_path, SUBWORDS.max_piece_characters)
    return Pairs(
        *(
            Sequences(ids.flat_values.numpy(), ids.row_lengths().numpy())
            for ids in (encode(tf.constant(side)) for side in zip(*parallel_text(), strict=True))
        )
    )


def random_sources(
    rng: np.random.Generator, lengths: list[int], vocabulary_size: int
) -> list[list[int]]:
    """Returns random ids of sentences with given lengths, each with its end symbol (3)."""
    return [[*rng.integers(4, vocabulary_size, length - 1).tolist(), 3] for length in lengths]
