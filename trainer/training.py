"""The training loop: Adam on bucketed batches, a moving average of the weights, early stopping,
checkpoints.

Every random choice follows from the seed and the step, and a checkpoint holds all that changes, so
a run that was killed goes on where its last checkpoint was. On a processor it ends with the very
weights that it would have had. On a GPU two trainings of one seed differ by rounding: the gradient
of the embeddings, for one, is summed there in no fixed order.

On a GPU the layers run with cuDNN (`trainer.cudnn`); the weights, and so checkpoints and exports,
are the same.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from trainer import cudnn, gpu, recurrent
from trainer.attention_images import make_attention_images
from trainer.batching import Batch, Pairs, Part, epoch_batches, epoch_order
from trainer.layers import Dropout
from trainer.loss import translation_loss
from trainer.model import TranslationModel
from trainer.precision import compute_type
from trainer.replicas import Replicas, one_device
from trainer.settings import DecodingSettings, ModelSettings, TrainingSettings
from trainer.subwords import PAD
from trainer.validation import Scores, make_validator
from trainer.warm_start import check_vocabulary, load_weights

LOGGER = logging.getLogger(__name__)
TrainStep = Callable[[Batch], tf.Tensor]
"""Updates the weights once and returns the loss of the batch."""
Differentiator = Callable[[Part, tf.Tensor], list[tf.Tensor]]
_IDS = tf.TensorSpec([None, None], tf.int32)
_PART = Part(_IDS, _IDS, tf.TensorSpec([], tf.float32))
STEPS_PER_LOG_LINE = 100
STEPS_PER_CHECKPOINT = 500


@dataclass(frozen=True)
class TrainingData:
    """Encoded parallel text and the vocabulary that encoded it."""

    train: Pairs
    validation: Pairs
    vocabulary: list[str]


@dataclass(frozen=True)
class TrainingResult:
    """What training leaves."""

    model: TranslationModel
    """Its weights are the averaged ones of the best epoch; computes in float32."""
    history: list[dict[str, float]]
    """One entry for each epoch: epoch, steps so far, its seconds and how many of them went to the
    validation, training loss, validation loss and BLEU."""


class TrainingState(tf.Module):
    """All that changes while training, in one checkpointable place."""

    def __init__(
        self, make_model: Callable[[], TranslationModel], optimizer: keras.optimizers.Optimizer
    ):
        """Makes three models of equal weights: the trained one, the moving average, and the best
        average so far."""
        super().__init__()
        self.model, self.average, self.best = make_model(), make_model(), make_model()
        self.optimizer = optimizer
        optimizer.build(self.model.trainable_variables)
        self.loss_sum = tf.Variable(0.0)
        with tf.device("CPU:0"):  # where they can be read without waiting for a GPU
            self.step = tf.Variable(0, dtype=tf.int64)
            self.epoch = tf.Variable(0, dtype=tf.int64)
            self.batch = tf.Variable(0, dtype=tf.int64)
            self.best_bleu = tf.Variable(-1.0)
            self.epochs_without_gain = tf.Variable(0, dtype=tf.int64)
            self.history = tf.Variable("[]")

    def copy_average_to_best(self) -> None:
        """Keeps the average of this epoch as the best."""
        for best, average in zip(self.best.variables, self.average.variables, strict=True):
            best.assign(average)

    def copy_weights(self, other: "TrainingState") -> None:
        """Takes the weights and the optimizer's state of another replica."""
        for mine, theirs in (
            (self.model.variables, other.model.variables),
            (self.optimizer.variables, other.optimizer.variables),
        ):
            for to, of in zip(mine, theirs, strict=True):
                to.assign(of.numpy())


def train(
    data: TrainingData,
    model_settings: ModelSettings,
    settings: TrainingSettings,
    decoding: DecodingSettings,
    *,
    seed: int,
    checkpoint_folder: str,
    log_folder: str,
    warm_start: str | None = None,
    replicas: Replicas | None = None,
) -> TrainingResult:
    """Trains a model, going on from the last checkpoint of the folder if it holds one.

    Args:
      data: encoded train and validation splits.
      model_settings: the network.
      settings: how to train.
      decoding: the search of the exported model, for the validation BLEU.
      seed: of the weights, the order of the batches and the dropout.
      checkpoint_folder: where checkpoints go; must belong to this data and these settings alone.
      log_folder: where TensorBoard's events go.
      warm_start: the export with whose weights to begin (`trainer.warm_start`).
      replicas: the devices that train; by default one. Each has a batch of its own in every update.

    Raises:
      ValueError: a split holds no pair that is short enough.
      WarmStartError: the export is another network, or has another vocabulary.
      LostWorkerError: another worker was lost.
    """
    pairs = data.train.with_copies(settings.copied_targets, seed)
    train_indices = _usable(pairs, settings.max_tokens, "train")
    validation_indices = _usable(data.validation, settings.max_tokens, "validation")
    # The examples come sorted, so the first of them would be no fair sample.
    chosen = np.random.default_rng(seed).permutation(validation_indices)
    validation_indices = chosen[: settings.validation_sentences]
    replicas = replicas or one_device()
    parts = replicas.total * settings.accumulate_batches
    first = replicas.first * settings.accumulate_batches
    own = slice(first, first + len(replicas.devices) * settings.accumulate_batches)
    tokens_per_batch = parts * settings.tokens_per_batch
    steps = settings.epochs * len(epoch_order(pairs, train_indices, tokens_per_batch, seed, 0))
    states = []
    for device in replicas.devices:
        with tf.device(device):
            states.append(make_state(model_settings, settings, len(data.vocabulary), seed, steps))
    state = states[0]
    checkpoints = tf.train.CheckpointManager(
        tf.train.Checkpoint(state=state), checkpoint_folder, max_to_keep=1
    )
    if checkpoints.latest_checkpoint:
        checkpoints.restore_or_initialize()
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
    validate = make_validator(
        state.average, data.validation, validation_indices, data.vocabulary, decoding
    )
    draw_attention = make_attention_images(
        state.average,
        data.validation,
        validation_indices,
        data.vocabulary,
        settings.attention_images,
    )
    train_step = make_train_step(states, settings, seed, replicas)
    LOGGER.info(
        "training on %d pairs, at most %d epochs of %d steps",
        len(train_indices),
        settings.epochs,
        steps // settings.epochs,
    )

    while int(state.epoch) < settings.epochs and int(state.epochs_without_gain) < settings.patience:
        started, epoch = time.monotonic(), int(state.epoch)
        batches = epoch_batches(
            pairs,
            train_indices,
            tokens_per_batch,
            seed,
            epoch,
            first=int(state.batch),
            parts=parts,
            own=own,
        )
        with replicas.told_if_lost():
            _train_epoch(state, train_step, batches, save, writer)
            trained = time.monotonic()
            scores = Scores(*replicas.mean(*validate()))
        ended = time.monotonic()
        seconds = {"seconds": ended - started, "validation_seconds": ended - trained}
        with writer.as_default(int(state.step)):
            draw_attention()
        _finish_epoch(state, scores, seconds, settings, writer)
        save()
    return TrainingResult(
        _in_float32(state.best, model_settings, data), json.loads(state.history.numpy())
    )


def make_state(
    model_settings: ModelSettings,
    settings: TrainingSettings,
    vocabulary_size: int,
    seed: int,
    steps: int,
) -> TrainingState:
    """Makes what is to be trained, for the GPU if there is one.

    Args:
      model_settings: the network.
      settings: how to train.
      vocabulary_size: number of subwords.
      seed: of the weights.
      steps: after how many the learning rate has fallen.

    Raises:
      gpu.GPUError: TensorFlow sees a GPU and cannot compute on it.
    """
    recurrence = recurrent.run
    if gpu.is_there():
        gpu.check()
        recurrence = cudnn.run
        if model_settings.input_feeding:
            LOGGER.warning(
                "model.input_feeding keeps the GPU waiting: the decoder trains in a loop over the "
                "target's positions, not with one operation of cuDNN"
            )
    kind = compute_type(settings.precision)
    return TrainingState(
        lambda: TranslationModel(model_settings, vocabulary_size, seed, kind, recurrence),
        _optimizer(settings, steps),
    )


def _usable(pairs: Pairs, max_tokens: int, split: str) -> np.ndarray:
    indices = pairs.up_to(max_tokens)
    if not len(indices):
        raise ValueError(
            f"The {split} split has no pair of at most {max_tokens} subwords: "
            "raise training.max_tokens."
        )
    return indices


def _optimizer(settings: TrainingSettings, steps: int) -> keras.optimizers.Optimizer:
    """Adam (Kingma and Ba, 2015) with a linear warm-up and a half cosine down to a share of the
    learning rate."""
    warmup = min(settings.warmup_steps, steps // 2)
    schedule = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / max(1, warmup),
        decay_steps=max(1, steps - warmup),
        alpha=settings.final_learning_rate,
        warmup_target=settings.learning_rate,
        warmup_steps=warmup,
    )
    return keras.optimizers.Adam(schedule, global_clipnorm=settings.gradient_clip)


def make_train_step(
    states: Sequence[TrainingState],
    settings: TrainingSettings,
    seed: int,
    replicas: Replicas | None = None,
) -> TrainStep:
    """Returns the compiled step.

    On a GPU it takes as long as the host needs to start its operations. So what has the shapes of
    the weights is one operation there, compiled once by XLA, and nothing needs an answer of the GPU
    before the next operation can be started.

    Args:
      states: one for each device of this process; the first counts, averages and is saved.
      settings: how to train.
      seed: of the dropout.
      replicas: the devices; by default one.
    """
    main, on_gpu, group = states[0], gpu.is_there(), replicas or one_device()
    per_replica = settings.accumulate_batches
    differentiators = [_make_differentiator(state, settings, on_gpu=on_gpu) for state in states]

    @tf.function(autograph=False, jit_compile=on_gpu)
    def update(gradients: list[tf.Tensor], loss: tf.Tensor, decay: tf.Tensor) -> None:
        _apply(main, gradients)
        for average, weight in zip(main.average.variables, main.model.variables, strict=True):
            average.assign_sub((1 - decay) * (average - weight))
        main.loss_sum.assign_add(loss)

    updates_of_others = [
        tf.function(partial(_apply, state), autograph=False, jit_compile=on_gpu)
        for state in states[1:]
    ]

    # No AutoGraph here or elsewhere: it reads the sources again when it traces, so editing a file
    # while a model trains would break the export an hour later.
    @tf.function(autograph=False, input_signature=[[_PART] * (per_replica * len(states))])
    def train_step(batch: Batch) -> tf.Tensor:
        with tf.device("CPU:0"):
            key = tf.stack([tf.constant(seed, tf.int32), tf.cast(main.step, tf.int32)])
            main.step.assign_add(1)
            steps = tf.cast(main.step, tf.float32)
            decay = tf.minimum(settings.average_decay, (1 + steps) / (10 + steps))

        def differentiate(device: int) -> list[tf.Tensor]:
            first = device * per_replica
            return _one_after_another(
                differentiators[device],
                batch[first : first + per_replica],
                key,
                first=group.first * per_replica + first,
            )

        (*gradients, loss), *of_others = group.run(differentiate)
        with tf.device(group.devices[0]):
            update(gradients, loss, decay)
        for device, update_other, sums in zip(
            group.devices[1:], updates_of_others, of_others, strict=True
        ):
            with tf.device(device):
                update_other(sums[:-1])
        return loss

    return train_step


def _apply(state: TrainingState, gradients: list[tf.Tensor]) -> None:
    state.optimizer.apply_gradients(zip(gradients, state.model.trainable_variables, strict=True))


def _make_differentiator(
    state: TrainingState, settings: TrainingSettings, *, on_gpu: bool
) -> Differentiator:
    """Returns a compiled function of a part and the key of its dropout, which gives the gradients
    of the part's share of the loss, and that share."""
    weights = state.model.trainable_variables

    @tf.function(autograph=False, input_signature=[_PART, tf.TensorSpec([2], tf.int32)])
    def differentiate(part: Part, key: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = part.share * translation_loss(
                state.model,
                part.source_ids,
                part.target_ids,
                settings.label_smoothing,
                Dropout(settings.dropout, key),
                with_padding=on_gpu,
            )
        gradients = tape.gradient(loss, weights)
        return [*(tf.convert_to_tensor(gradient) for gradient in gradients), loss]

    return differentiate


def _one_after_another(
    differentiate: Differentiator, parts: Batch, key: tf.Tensor, first: int
) -> list[tf.Tensor]:
    """Sums what the parts give. Each waits for the one before, so that memory holds the activations
    of one of them.

    Args:
      differentiate: of the replica.
      parts: those of the replica.
      key: of the step; that of part 0 of all replicas.
      first: number of the first part among those of all replicas.
    """
    sums: list[tf.Tensor] = []
    for number, part in enumerate(parts, start=first):
        with tf.device("CPU:0"):
            own_key = tf.random.experimental.stateless_fold_in(key, number) if number else key
        with tf.control_dependencies(sums):
            part = Part(*map(tf.identity, part)) if sums else part
        found = differentiate(part, own_key)
        sums = [total + one for total, one in zip(sums, found, strict=True)] if sums else found
    return sums


def _train_epoch(
    state: TrainingState,
    train_step: TrainStep,
    batches: Iterator[Batch],
    save: Callable[[], object],
    writer: tf.summary.SummaryWriter,
) -> None:
    """Trains on the batches of an epoch that the state has not seen yet.

    Steps are counted here, and the loss is read for the log only: so a GPU gets the next step while
    it computes this one.
    """
    since, tokens = time.monotonic(), 0
    step, batch = int(state.step), int(state.batch)
    for parts in batches:
        loss = train_step(parts)
        step, batch = step + 1, batch + 1
        tokens += sum(int(np.count_nonzero(part.target_ids != PAD)) for part in parts)
        if step % STEPS_PER_LOG_LINE == 0:
            mean_loss = float(loss)  # waits for the step to end
            speed = tokens / (time.monotonic() - since)
            LOGGER.info(
                "epoch %d step %d loss %.3f, %.0f tokens/s",
                int(state.epoch) + 1,
                step,
                mean_loss,
                speed,
            )
            with writer.as_default(step):
                tf.summary.scalar("train/loss", mean_loss)
                tf.summary.scalar("train/tokens_per_second", speed)
                tf.summary.scalar("train/learning_rate", state.optimizer.learning_rate)
            since, tokens = time.monotonic(), 0
        if step % STEPS_PER_CHECKPOINT == 0:
            state.batch.assign(batch)
            save()
    state.batch.assign(batch)


def _finish_epoch(
    state: TrainingState,
    scores: Scores,
    seconds: dict[str, float],
    settings: TrainingSettings,
    writer: tf.summary.SummaryWriter,
) -> None:
    """Records an epoch's scores, keeps the weights if they are the best, and sets the state up for
    the next epoch."""
    step, epoch = int(state.step), int(state.epoch) + 1
    with writer.as_default(step):
        tf.summary.scalar("validation/loss", scores.loss)
        tf.summary.scalar("validation/bleu", scores.bleu)
    writer.flush()
    entry = {
        "epoch": epoch,
        "step": step,
        **{name: round(value, 1) for name, value in seconds.items()},
        "train_loss": float(state.loss_sum) / max(1, int(state.batch)),
        "validation_loss": scores.loss,
        "validation_bleu": scores.bleu,
    }
    state.history.assign(json.dumps([*json.loads(state.history.numpy()), entry]))
    is_best = scores.bleu > float(state.best_bleu)
    if is_best:
        state.best_bleu.assign(scores.bleu)
        state.copy_average_to_best()
    state.epochs_without_gain.assign(0 if is_best else state.epochs_without_gain + 1)
    state.epoch.assign_add(1)
    state.batch.assign(0)
    state.loss_sum.assign(0.0)
    LOGGER.info(
        "epoch %d of %d: %.0f s, loss %.3f, validation loss %.3f, validation BLEU %.2f%s",
        epoch,
        settings.epochs,
        entry["seconds"],
        entry["train_loss"],
        scores.loss,
        scores.bleu,
        ", the best so far" if is_best else "",
    )


def _in_float32(
    model: TranslationModel, settings: ModelSettings, data: TrainingData
) -> TranslationModel:
    """Copies weights into a model that computes in float32, which every server can."""
    copy = TranslationModel(settings, len(data.vocabulary), seed=0)
    for to, of in zip(copy.variables, model.variables, strict=True):
        to.assign(of)
    return copy


def remove_other_checkpoints(root: str, keep: str) -> None:
    """Removes the checkpoints of earlier trainings: folders in `root` that are not named `keep`."""
    for name in tf.io.gfile.listdir(root) if tf.io.gfile.isdir(root) else []:
        if name.rstrip("/") != keep:
            tf.io.gfile.rmtree(os.path.join(root, name.rstrip("/")))
