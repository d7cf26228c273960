"""What a training changes: weights, their moving average, the optimizer and the counters."""

import logging
from collections.abc import Callable

import keras
import tensorflow as tf

from trainer import cudnn, gpu, recurrent
from trainer.model import TranslationModel
from trainer.precision import compute_type
from trainer.settings import ModelSettings, TrainingSettings

LOGGER = logging.getLogger(__name__)


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
