"""Warm start: training begins with the weights of an exported model, as fine-tuning does.

The weights belong to the ids of a vocabulary, so the text must be encoded with the vocabulary of
the exported model. New words are spelled from shorter pieces or from the 256 bytes of the
vocabulary, so none is unknown. The optimizer's state and the moving average begin anew. Of an
ensemble the weights of the first model are taken.
"""

import os

import tensorflow as tf

from serving.contract import layout
from trainer.ensemble import Ensemble
from trainer.model import TranslationModel
from trainer.subwords import read_vocabulary


class WarmStartError(ValueError):
    """Training cannot begin with this model; the message gives the reason."""


def load_weights(model: TranslationModel, export: str) -> None:
    """Loads the weights of an export into a model.

    Args:
      model: the model to change.
      export: the folder of a SavedModel written by `trainer.export`.

    Raises:
      WarmStartError: the export lacks a weight, or has one of another shape.
    """
    saved = os.path.join(export, layout.VARIABLES)
    try:
        names = [name for name, _ in tf.train.list_variables(saved)]
        is_ensemble = any(name.startswith("model/members/") for name in names)
        checkpoint = tf.train.Checkpoint(model=Ensemble([model]) if is_ensemble else model)
        # `restore` would also need a training's counter of checkpoints.
        status = checkpoint.read(saved)
        status.expect_partial()
        status.assert_existing_objects_matched()
    except (ValueError, AssertionError, tf.errors.OpError) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise WarmStartError(
            f"Training cannot begin with the weights of {export}, which is another network "
            f"({first}); set training.warm_start to false."
        ) from error


def check_vocabulary(vocabulary: list[str], export: str) -> None:
    """Compares the vocabulary of encoded text with the vocabulary of an export.

    Args:
      vocabulary: vocabulary of the text.
      export: the folder of the SavedModel.

    Raises:
      WarmStartError: the vocabularies differ.
    """
    if read_vocabulary(vocabulary_of(export)) != vocabulary:
        raise WarmStartError(
            f"The text is not encoded with the vocabulary of {export}, with whose weights training "
            "should begin; run again."
        )


def vocabulary_of(export: str) -> str:
    """Returns the path of an export's subword vocabulary."""
    return os.path.join(export, layout.VOCABULARY)
