"""Preprocessing in Transform: makes the subword vocabulary and encodes every split.

TFX loads this module anew for each run, so it holds nothing that Beam would pickle by its name.
"""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from text.normal_form import normalised_words
from trainer.settings import SubwordSettings
from trainer.subwords import SubwordEncoder, vocabulary_lines
from trainer.vocabulary_analyzers import VOCABULARY, VOCABULARY_FILE, LearnSubwords, TakeSubwords


def preprocessing_fn(
    inputs: dict[str, tf.Tensor], custom_config: dict[str, Any]
) -> dict[str, tf.SparseTensor]:
    """Encodes parallel text.

    Args:
      inputs: `source` and `target`, string, one value each.
      custom_config: `subwords`: the settings as a mapping; `vocabulary`: the path of an existing
        vocabulary, or None to learn one; `features`: names of further features to keep.

    Returns:
      `source_ids` and `target_ids`: int64 of variable length, without start, end or padding; and
      the further features, unchanged.
    """
    settings = SubwordSettings.model_validate(custom_config["subwords"])
    vocabulary = custom_config.get("vocabulary")
    words = {
        side: normalised_words(_one_value(inputs[side]), keep_no_break=side == "target")
        for side in ("source", "target")
    }
    distinct, _, counts = tf.unique_with_counts(
        tf.concat([each.flat_values for each in words.values()], axis=0)
    )
    (path,) = tft.experimental.ptransform_analyzer(
        [distinct, counts],
        LearnSubwords(settings) if vocabulary is None else TakeSubwords(str(vocabulary)),
        [tf.string],
        [[]],
        output_asset_default_values=[
            b"\n".join(line.encode() for line in vocabulary_lines([])) + b"\n"
        ],
        name=VOCABULARY,
    )
    tft.annotate_asset(VOCABULARY, VOCABULARY_FILE)
    encode = SubwordEncoder(path, settings.max_piece_characters)
    ids = {f"{side}_ids": encode.encode_split(each).to_sparse() for side, each in words.items()}
    return ids | {name: tf.identity(inputs[name]) for name in custom_config.get("features", ())}


def _one_value(text: tf.Tensor | tf.SparseTensor) -> tf.Tensor:
    """Returns string [batch], for a dense or a sparse representation of one value."""
    return text.values if isinstance(text, tf.SparseTensor) else tf.reshape(text, [-1])
