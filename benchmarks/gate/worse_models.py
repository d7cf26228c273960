"""Models and translations made worse by a known amount."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from serving.contract import layout
from serving.local.tensorflow_library import import_tensorflow


def drop_words(
    translations: Sequence[str], share: float, generator: np.random.Generator
) -> list[str]:
    """Drops each word of translations with a probability.

    Args:
      translations: [sentences].
      share: probability of dropping a word, 0 to 1.
      generator: draws the words to drop.
    """
    shortened = []
    for text in translations:
        words = text.split()
        is_kept = generator.random(len(words)) >= share
        shortened.append(" ".join(w for w, kept in zip(words, is_kept, strict=True) if kept))
    return shortened


def noisy_export(export: str, folder: Path, noise: float, seed: int) -> str:
    """Copies an exported model and adds noise to its weights.

    Args:
      export: the folder of the SavedModel.
      folder: the folder of the copy; an existing one is reused unchanged.
      noise: standard deviation of the noise, as a share of the standard deviation of each variable.
      seed: seed of the noise.

    Returns:
      The folder of the copy.
    """
    if folder.is_dir():
        return str(folder)
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(export, unfinished)
    _add_noise(
        os.path.join(export, layout.VARIABLES), str(unfinished / layout.VARIABLES), noise, seed
    )
    unfinished.rename(folder)
    return str(folder)


def _add_noise(source: str, target: str, noise: float, seed: int) -> None:
    """Writes the variables of a SavedModel again, with noise on those of the network."""
    tf = import_tensorflow()
    reader = tf.train.load_checkpoint(source)
    dtypes = reader.get_variable_to_dtype_map()
    names = sorted(dtypes)
    generator = np.random.default_rng(seed)
    values = []
    for name in names:
        value = reader.get_tensor(name)
        if name.startswith("model/") and dtypes[name].is_floating:
            value = value + noise * value.std() * generator.standard_normal(value.shape)
        values.append(tf.constant(value, dtypes[name]))
    tf.raw_ops.SaveV2(
        prefix=target, tensor_names=names, shape_and_slices=[""] * len(names), tensors=values
    )
