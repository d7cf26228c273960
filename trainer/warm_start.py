"""Warm start: training begins with the weights of an exported model, as fine-tuning does.

The weights belong to the ids of a vocabulary, so the text must have been encoded with the very
vocabulary of that model. It has the 256 bytes in it, so words that came since are spelled out of
shorter pieces and none is unknown. The optimizer's state and the moving average begin anew.
"""

import os

import tensorflow as tf

from serving.contract import layout
from trainer.model import TranslationModel
from trainer.subwords import read_vocabulary


class WarmStartError(ValueError):
    """Training cannot begin with that model: a sentence that says why."""


def load_weights(model: TranslationModel, export: str) -> None:
    """Gives a model the weights of an export.

    Args:
      model: to be changed.
      export: the folder of a SavedModel that `trainer.export` wrote.

    Raises:
      WarmStartError: the export lacks a weight, or has one of another shape.
    """
    saved = os.path.join(export, layout.VARIABLES)
    try:
        # Not `restore`, which also wants the count of checkpoints that a training saves.
        status = tf.train.Checkpoint(model=model).read(saved)
        status.expect_partial()
        status.assert_existing_objects_matched()
    except (ValueError, AssertionError, tf.errors.OpError) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise WarmStartError(
            f"Training cannot begin with the weights of {export}, which is another network "
            f"({first}); set training.warm_start to false."
        ) from error


def check_vocabulary(vocabulary: list[str], export: str) -> None:
    """Checks that text was encoded with the vocabulary of an export.

    Args:
      vocabulary: that of the text.
      export: the folder of the SavedModel.

    Raises:
      WarmStartError: it was not.
    """
    if read_vocabulary(vocabulary_of(export)) != vocabulary:
        raise WarmStartError(
            f"The text is not encoded with the vocabulary of {export}, with whose weights training "
            "should begin; run again."
        )


def vocabulary_of(export: str) -> str:
    """The path of an export's subword vocabulary."""
    return os.path.join(export, layout.VOCABULARY)
