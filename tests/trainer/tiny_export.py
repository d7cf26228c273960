"""An export of an untrained network: small, and real except for its translations."""

from pathlib import Path

import tensorflow as tf

from tests.trainer.tiny import DECODING, MODEL, SUBWORDS, write_vocabulary
from trainer.doubt import CalibrationText
from trainer.export import export_model
from trainer.model import TranslationModel
from trainer.settings import DecodingSettings, ModelSettings
from trainer.subwords import read_vocabulary

WARMUP_TEXT = "The cat sees the mat."


def export_tiny_model(
    base: Path,
    settings: ModelSettings = MODEL,
    decoding: DecodingSettings = DECODING,
    calibration: CalibrationText | None = None,
) -> Path:
    """Exports an untrained model to a folder below `base`, and returns that folder."""
    vocabulary_path = write_vocabulary(base)
    model = TranslationModel(settings, len(read_vocabulary(vocabulary_path)), seed=8)
    folder = base / "model"
    export_model(
        str(folder),
        model,
        vocabulary_path,
        SUBWORDS,
        decoding,
        card={"name": "tiny"},
        warmup_text=WARMUP_TEXT,
        calibration=calibration,
    )
    return folder


def serialised_example(text: str) -> bytes:
    """Makes an example with a text for `serve_examples`."""
    source = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))
    features = tf.train.Features(feature={"source": source})
    return tf.train.Example(features=features).SerializeToString()
