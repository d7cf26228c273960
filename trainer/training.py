"""The training loop, with Adam, averaged weights, early stopping and checkpoints.

Every random choice depends only on the seed and the step, and a checkpoint holds the whole state.
So a killed run resumes from its last checkpoint. On a processor it ends with the same weights as
without the interruption. On a GPU two trainings with one seed differ by rounding: for example, the
gradient of the embeddings is summed there in no fixed order.

On a GPU the layers run with cuDNN (`trainer.cudnn`). The weights have the same form, and so have
checkpoints and exports.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from trainer.attention_images import make_attention_images
from trainer.batching import Batch, Change, Pairs, epoch_batches, epoch_order
from trainer.lexical_alignment import LexicalAligner
from trainer.masks import uses_masks
from trainer.model import TranslationModel
from trainer.pair_weights import drawn
from trainer.replaced_words import WordReplacer
from trainer.replicas import Replicas, one_device
from trainer.scoring import Judge, Scoring, rank_epoch
from trainer.settings import DecodingSettings, ModelSettings, TrainingSettings
from trainer.subword_dropout import SubwordDropout
from trainer.train_step import TrainStep, make_train_step
from trainer.training_log import StepLog, log_epoch, write_scores
from trainer.training_state import TrainingState, make_state
from trainer.validation import Scores, make_validator
from trainer.warm_start import check_vocabulary, load_weights

LOGGER = logging.getLogger(__name__)
STEPS_PER_CHECKPOINT = 500


@dataclass(frozen=True)
class TrainingData:
    """Encoded parallel text and its vocabulary."""

    train: Pairs
    validation: Pairs
    vocabulary: list[str]
    weights: np.ndarray | None = None
    """How often each training pair is trained on in an epoch (`trainer.pair_weights`); by default
    once."""


@dataclass(frozen=True)
class TrainingResult:
    """The result of training."""

    model: TranslationModel
    """The model with the averaged weights of the best epoch; computes in float32."""
    history: list[dict[str, Any]]
    """One entry for each epoch: epoch, steps so far, its seconds, the seconds of its validation,
    training loss, validation loss, BLEU and chrF, and the metric that chose the best epoch."""


def train(
    data: TrainingData,
    model_settings: ModelSettings,
    settings: TrainingSettings,
    decoding: DecodingSettings,
    *,
    seed: int,
    checkpoint_folder: str,
    log_folder: str,
    scoring: Scoring | None = None,
    warm_start: str | None = None,
    replicas: Replicas | None = None,
) -> TrainingResult:
    """Trains a model, resuming from the last checkpoint in the folder if there is one.

    Args:
      data: encoded train and validation splits.
      model_settings: settings of the network.
      settings: settings of the training.
      decoding: the search of the exported model, for the validation.
      seed: seed of the weights, the order of the batches and the dropout.
      checkpoint_folder: folder of the checkpoints, used only for this data and these settings.
      log_folder: folder of TensorBoard's events.
      scoring: the metric of the validation, and its tokeniser; by default BLEU of words between
        spaces.
      warm_start: the export with the initial weights (`trainer.warm_start`).
      replicas: the devices for training; by default one. Each has its own batch in every update.

    Raises:
      ValueError: a split has no pair short enough, or none with a weight.
      WarmStartError: the export has another network or another vocabulary.
      LostWorkerError: another worker was lost.
      MissingTokeniserError: the tokeniser cannot be loaded.
    """
    pairs = data.train.with_copies(settings.copied_targets, seed)
    train_indices = _usable(pairs, settings.max_tokens, "train")
    weights = np.ones(len(data.train.source)) if data.weights is None else data.weights
    weights = np.concatenate([weights, weights[data.train.copied(settings.copied_targets, seed)]])
    if not len(drawn(train_indices, weights, seed, 0)):
        raise ValueError("No training pair has a weight: raise those of data.weights.")
    validation_indices = _usable(data.validation, settings.max_tokens, "validation")
    # The examples are sorted, so the first ones would be a biased sample.
    chosen = np.random.default_rng(seed).permutation(validation_indices)
    validation_indices = chosen[: settings.validation_sentences]
    replicas = replicas or one_device()
    parts = replicas.total * settings.accumulate_batches
    first = replicas.first * settings.accumulate_batches
    own = slice(first, first + len(replicas.devices) * settings.accumulate_batches)
    tokens_per_batch = parts * settings.tokens_per_batch
    of_epoch = epoch_order(pairs, drawn(train_indices, weights, seed, 0), tokens_per_batch, seed, 0)
    steps = settings.epochs * len(of_epoch)
    states = []
    for device in replicas.devices:
        with tf.device(device):
            states.append(make_state(model_settings, settings, len(data.vocabulary), seed, steps))
    state = states[0]
    checkpoints = tf.train.CheckpointManager(
        tf.train.Checkpoint(state=state), checkpoint_folder, max_to_keep=2
    )
    if newest := _newest_readable(checkpoints.checkpoints):
        checkpoints.checkpoint.restore(newest)
        LOGGER.info("training goes on from step %d", int(state.step))
    elif warm_start is not None:
        check_vocabulary(data.vocabulary, warm_start)
        for model in (state.model, state.average, state.best):
            load_weights(model, warm_start)
        LOGGER.info("training begins with the weights of %s", warm_start)
    for other in states[1:]:
        other.copy_weights(state)
    if replicas.writes:
        save, writer = checkpoints.save, tf.summary.create_file_writer(log_folder)
    else:
        save, writer = lambda: None, tf.summary.create_noop_writer()
    validate, translate_examples, judge = make_validator(
        state.average,
        data.validation,
        validation_indices,
        data.vocabulary,
        decoding,
        scoring or Scoring(),
    )
    if judge.metric == "chrf":
        LOGGER.info(
            "chrF chooses the best epoch: %s The gate needs evaluation.min_chrf.", judge.rule
        )
    draw_attention = make_attention_images(
        state.average,
        data.validation,
        validation_indices,
        data.vocabulary,
        settings.attention_images,
    )
    train_step = make_train_step(states, settings, seed, replicas)
    changes: list[Change] = []
    if uses_masks(state.model, data.vocabulary):
        changes.append(WordReplacer(data.vocabulary, settings.replaced_words))
    if settings.subword_dropout:
        changes.append(SubwordDropout(data.vocabulary, settings.subword_dropout))
    align = LexicalAligner(data.train, len(data.vocabulary)) if settings.alignment_weight else None
    LOGGER.info(
        "training on %d pairs, at most %d epochs of %d steps",
        len(drawn(train_indices, weights, seed, 0)),
        settings.epochs,
        steps // settings.epochs,
    )

    while int(state.epoch) < settings.epochs and int(state.epochs_without_gain) < settings.patience:
        started, epoch = time.monotonic(), int(state.epoch)
        batches = epoch_batches(
            pairs,
            drawn(train_indices, weights, seed, epoch),
            tokens_per_batch,
            seed,
            epoch,
            first=int(state.batch),
            parts=parts,
            own=own,
            changes=changes,
            align=align,
        )
        with replicas.report_lost_worker():
            _train_epoch(state, train_step, batches, save, StepLog(state, steps, writer))
            trained = time.monotonic()
            scores = Scores(*replicas.mean(*validate()))
        ended = time.monotonic()
        seconds = {"seconds": ended - started, "validation_seconds": ended - trained}
        write_scores(scores, int(state.step), writer)
        with writer.as_default(int(state.step)):
            draw_attention()
        entry, is_best = _finish_epoch(state, scores, judge, seconds)
        metric = judge.metric if scores.bleu else "chrf"
        log_epoch(entry, settings.epochs, scores, metric, is_best, translate_examples())
        save()
    return TrainingResult(
        _in_float32(state.best, model_settings, data), json.loads(state.history.numpy())
    )


def _newest_readable(checkpoints: Sequence[str]) -> str | None:
    """Returns the last undamaged checkpoint, or None. Reading compares TensorFlow's checksums."""
    for path in reversed(checkpoints):
        try:
            reader = tf.train.load_checkpoint(path)
            for name in reader.get_variable_to_shape_map():
                reader.get_tensor(name)
        except (tf.errors.OpError, ValueError, RuntimeError) as error:
            LOGGER.warning("the checkpoint %s is damaged, and not used: %s", path, error)
        else:
            return path
    return None


def _usable(pairs: Pairs, max_tokens: int, split: str) -> np.ndarray:
    indices = pairs.up_to(max_tokens)
    if not len(indices):
        raise ValueError(
            f"The {split} split has no pair of at most {max_tokens} subwords: "
            "raise training.max_tokens."
        )
    return indices


def _train_epoch(
    state: TrainingState,
    train_step: TrainStep,
    batches: Iterator[Batch],
    save: Callable[[], object],
    log: StepLog,
) -> None:
    """Trains on the remaining batches of an epoch.

    Steps are counted on the host, so a GPU gets the next step before it has finished the current
    one.
    """
    step, batch = int(state.step), int(state.batch)
    for parts in batches:
        train_step(parts)
        step, batch = step + 1, batch + 1
        log.add(step, parts)
        if step % STEPS_PER_CHECKPOINT == 0:
            state.batch.assign(batch)
            save()
    state.batch.assign(batch)


def _finish_epoch(
    state: TrainingState, scores: Scores, judge: Judge, seconds: dict[str, float]
) -> tuple[dict[str, Any], bool]:
    """Records an epoch's scores, keeps the best weights, and prepares the next epoch.

    Returns:
      The epoch's entry of the history, and whether no epoch was better.
    """
    entry = {
        "epoch": int(state.epoch) + 1,
        "step": int(state.step),
        **{name: round(value, 1) for name, value in seconds.items()},
        "train_loss": float(state.loss_sum) / max(1, int(state.batch)),
        "validation_loss": scores.loss,
        "validation_bleu": scores.bleu,
        "validation_chrf": scores.chrf,
        "validation_metric": judge.metric,
    }
    earlier = json.loads(state.history.numpy())
    state.history.assign(json.dumps([*earlier, entry]))
    is_best = all(rank_epoch(entry) > rank_epoch(other) for other in earlier)
    if is_best:
        state.copy_average_to_best()
    state.epochs_without_gain.assign(0 if is_best else state.epochs_without_gain + 1)
    state.epoch.assign_add(1)
    state.batch.assign(0)
    state.loss_sum.assign(0.0)
    return entry, is_best


def _in_float32(
    model: TranslationModel, settings: ModelSettings, data: TrainingData
) -> TranslationModel:
    """Copies weights into a model computing in float32, as every server can."""
    copy = TranslationModel(settings, len(data.vocabulary), seed=0)
    for to, of in zip(copy.variables, model.variables, strict=True):
        to.assign(of)
    return copy


def remove_other_checkpoints(root: str, keep: str) -> None:
    """Removes the checkpoints of earlier trainings: all folders in `root` except `keep`."""
    for name in tf.io.gfile.listdir(root) if tf.io.gfile.isdir(root) else []:
        if name.rstrip("/") != keep:
            tf.io.gfile.rmtree(os.path.join(root, name.rstrip("/")))
