"""The state of a training: weights, their moving average, the optimizer and the counters."""

import logging
from collections.abc import Callable

import keras
import tensorflow as tf

from trainer import cudnn, gpu, recurrent
from trainer.adam import Adam
from trainer.model import TranslationModel
from trainer.precision import compute_type
from trainer.settings import ModelSettings, TrainingSettings

LOGGER = logging.getLogger(__name__)


class TrainingState(tf.Module):
    """The whole state of a training, for checkpoints."""

    def __init__(
        self, make_model: Callable[[], TranslationModel], optimizer: keras.optimizers.Optimizer
    ):
        """Makes three equal models: the trained one, the moving average, and the best average.

        Args:
          make_model: makes a model; the weights are the same each time.
          optimizer: updates the trained model.
        """
        super().__init__()
        self.model, self.average, self.best = make_model(), make_model(), make_model()
        self.optimizer = optimizer
        optimizer.build(self.model.trainable_variables)
        self.loss_sum = tf.Variable(0.0)
        with tf.device("CPU:0"):  # so that reading them does not wait for a GPU
            self.step = tf.Variable(0, dtype=tf.int64)
            self.epoch = tf.Variable(0, dtype=tf.int64)
            self.batch = tf.Variable(0, dtype=tf.int64)
            self.epochs_without_gain = tf.Variable(0, dtype=tf.int64)
            self.history = tf.Variable("[]")

    def copy_average_to_best(self) -> None:
        """Stores the current average as the best one."""
        for best, average in zip(self.best.variables, self.average.variables, strict=True):
            best.assign(average)

    def copy_weights(self, other: "TrainingState") -> None:
        """Copies the weights and the optimizer's state of another replica."""
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
    """Makes the initial state, for the GPU if there is one.

    Args:
      model_settings: settings of the network.
      settings: settings of the training.
      vocabulary_size: number of subwords.
      seed: seed of the weights.
      steps: number of steps until the learning rate is at its lowest.

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
    """Makes Adam (Kingma and Ba, 2015) with a schedule of the learning rate.

    The schedule is a linear warm-up and then a half cosine down to a share of the learning rate.
    """
    warmup = min(settings.warmup_steps, steps // 2)
    schedule = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / max(1, warmup),
        decay_steps=max(1, steps - warmup),
        alpha=settings.final_learning_rate,
        warmup_target=settings.learning_rate,
        warmup_steps=warmup,
    )
    # On a GPU, XLA makes one kernel of Keras's operations, and would copy the weights for ours.
    kind = keras.optimizers.Adam if gpu.is_there() else Adam
    return kind(schedule, global_clipnorm=settings.gradient_clip)
