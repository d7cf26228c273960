"""Attention heatmaps of fixed validation sentences, to show in TensorBoard how attention develops.

A few sentences are decoded with their references given (forced decoding). So rows and columns stay
the same from epoch to epoch, and only the weights change. Training is not affected.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from serving.contract.translation import Translation
from serving.heatmap.matrix import make_heatmap
from serving.heatmap.picture import draw_picture
from trainer.batching import Pairs
from trainer.model import TranslationModel
from trainer.subwords import SubwordDecoder

MOST_SUBWORDS = 24
"""Limit for either side without the end symbol; a larger picture is hard to read."""


def make_attention_images(
    model: TranslationModel,
    pairs: Pairs,
    indices: np.ndarray,
    vocabulary: list[str],
    number: int,
) -> Callable[[], None]:
    """Returns a function for writing heatmaps of the current model as image summaries.

    The function uses the caller's summary writer and step.

    Args:
      model: the model, with its weights at the time of the call.
      pairs: the validation split.
      indices: candidate sentences; the first ones short enough are drawn.
      vocabulary: for turning ids into text.
      number: number of heatmaps; 0 draws nothing.
    """
    lengths = np.maximum(pairs.source.lengths, pairs.target.lengths)[indices]
    chosen = indices[lengths <= MOST_SUBWORDS][:number]
    if not len(chosen):
        return lambda: None
    sources = tf.constant(pairs.source.padded(chosen))
    targets = tf.constant(pairs.target.padded(chosen))
    decode = SubwordDecoder(vocabulary)
    sides = [(_texts(decode(ids)), _tokens(decode.symbols(ids), ids)) for ids in (sources, targets)]

    @tf.function(autograph=False)
    def attend() -> tf.Tensor:
        return model.force(model.encode(sources), targets)[1]

    def draw() -> None:
        for row, weights in enumerate(attend().numpy()):
            (source, source_tokens), (target, target_tokens) = (
                (texts[row], tokens[row]) for texts, tokens in sides
            )
            shown = Translation(
                text=target,
                score=0.0,
                source_tokens=source_tokens,
                target_tokens=target_tokens,
                attention=weights[: len(target_tokens), : len(source_tokens)],
                truncated=False,
            )
            picture = draw_picture(make_heatmap(source, shown), "png")
            tf.summary.image(
                f"attention/{row + 1}",
                tf.io.decode_png(picture, channels=3)[None],
                description=f"{source} -> {target}",
            )

    return draw


def _texts(texts: tf.Tensor) -> list[str]:
    return [text.decode("utf-8") for text in texts.numpy()]


def _tokens(symbols: tf.Tensor, ids: tf.Tensor) -> list[tuple[str, ...]]:
    """Returns the subwords of each row, without padding."""
    lengths = tf.math.count_nonzero(ids, axis=1).numpy()
    return [
        tuple(symbol.decode("utf-8") for symbol in row[:length])
        for row, length in zip(symbols.numpy(), lengths, strict=True)
    ]
