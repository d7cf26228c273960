"""A Transformer for CTranslate2, if it is installed, of the size of the shipped model.

What a step of a search takes does not depend on the weights, so they are random, and each
translation gets a given length.
"""

import importlib
import importlib.util
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

PACKAGE = "ctranslate2"
_ENCODER_LAYERS, _DECODER_LAYERS, _HEADS, _WIDTH, _INNER, _VOCABULARY = 6, 2, 8, 256, 512, 8000
_POSITIONS = 512
_SYMBOLS = ["<unk>", "<s>", "</s>"]

Translate = Callable[[Sequence[bytes]], object]


def is_installed() -> bool:
    """Returns whether CTranslate2 can be imported."""
    return importlib.util.find_spec(PACKAGE) is not None


def load_transformer(quantization: str, threads: int, beam_size: int, length: int) -> Translate:
    """Returns a function to translate a batch, with attention.

    Args:
      quantization: `int8` or `float32`.
      threads: threads of a call.
      beam_size: number of hypotheses.
      length: number of subwords in each translation.
    """
    library = importlib.import_module(PACKAGE)
    words = [f"word{number}" for number in range(_VOCABULARY - len(_SYMBOLS))]
    with tempfile.TemporaryDirectory() as folder:
        specification = _specification([*_SYMBOLS, *words])
        specification.validate()
        specification.optimize(quantization=None if quantization == "float32" else quantization)
        specification.save(folder)
        translator = library.Translator(
            folder, device="cpu", intra_threads=threads, inter_threads=1
        )

    def translate(texts: Sequence[bytes]) -> object:
        # One subword for each word and one for each mark, as our vocabularies nearly have it.
        sources = [
            [words[hash(word) % len(words)] for word in text.replace(b".", b" .").split()]
            for text in texts
        ]
        return translator.translate_batch(
            [[*source, "</s>"] for source in sources],
            beam_size=beam_size,
            min_decoding_length=length,
            max_decoding_length=length,
            return_attention=True,
        )

    return translate


def _specification(symbols: list[str]) -> Any:
    specs = importlib.import_module(f"{PACKAGE}.specs")
    made = specs.TransformerSpec.from_config((_ENCODER_LAYERS, _DECODER_LAYERS), _HEADS)
    rng = np.random.default_rng(1)

    def fill(layer: Any, outputs: int, inputs: int) -> None:
        layer.weight = rng.normal(0, inputs**-0.5, [outputs, inputs]).astype(np.float32)
        layer.bias = np.zeros(outputs, np.float32)

    def normalise(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(_WIDTH, np.float32), np.zeros(_WIDTH, np.float32)

    def fill_attention(attention: Any, widths: Sequence[int]) -> None:
        for layer, width in zip(attention.linear, widths, strict=True):
            fill(layer, width, _WIDTH)
        normalise(attention.layer_norm)

    embeddings = made.encoder.embeddings
    for table in (*(embeddings if isinstance(embeddings, list) else [embeddings]),
                  made.decoder.embeddings):  # fmt: skip
        table.weight = rng.normal(0, _WIDTH**-0.5, [_VOCABULARY, _WIDTH]).astype(np.float32)
    for side in (made.encoder, made.decoder):
        side.scale_embeddings = True
        side.position_encodings.encodings = np.zeros([_POSITIONS, _WIDTH], np.float32)
        normalise(side.layer_norm)
        for layer in side.layer:
            fill_attention(layer.self_attention, [3 * _WIDTH, _WIDTH])
            fill(layer.ffn.linear_0, _INNER, _WIDTH)
            fill(layer.ffn.linear_1, _WIDTH, _INNER)
            normalise(layer.ffn.layer_norm)
    for layer in made.decoder.layer:
        fill_attention(layer.attention, [_WIDTH, 2 * _WIDTH, _WIDTH])
    fill(made.decoder.projection, _VOCABULARY, _WIDTH)
    made.register_source_vocabulary(symbols)
    made.register_target_vocabulary(symbols)
    return made
