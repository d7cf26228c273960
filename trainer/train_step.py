"""One update of the weights: gradients of a batch's parts, their sum, Adam, the moving average."""

from collections.abc import Callable, Sequence
from functools import partial

import tensorflow as tf

from trainer import gpu
from trainer.batching import Batch, Part
from trainer.layers import Dropout
from trainer.loss import translation_loss
from trainer.replicas import Replicas, one_device
from trainer.settings import TrainingSettings
from trainer.training_state import TrainingState

TrainStep = Callable[[Batch], tf.Tensor]
"""Updates the weights once and returns the loss of the batch."""
Differentiator = Callable[[Part, tf.Tensor], list[tf.Tensor]]
_IDS = tf.TensorSpec([None, None], tf.int32)


def make_train_step(
    states: Sequence[TrainingState],
    settings: TrainingSettings,
    seed: int,
    replicas: Replicas | None = None,
) -> TrainStep:
    """Returns the compiled training step.

    On a GPU its time is the host's time for starting operations. So the update of all weights is
    one operation there, compiled once by XLA, and no operation waits for a result from the GPU
    before it is started.

    Args:
      states: one for each device of this process. Counters and the average are only kept in the
        first one, which is saved.
      settings: settings of the training.
      seed: seed of the dropout.
      replicas: the devices; by default one.
    """
    part_type = _part_type(settings)
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

    # AutoGraph is off everywhere: it reads the sources again for tracing, so editing a file during
    # a training would break the export an hour later.
    @tf.function(autograph=False, input_signature=[[part_type] * (per_replica * len(states))])
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


def _part_type(settings: TrainingSettings) -> Part:
    links = _IDS if settings.alignment_weight else ()
    return Part(_IDS, _IDS, tf.TensorSpec([], tf.float32), links)


def _apply(state: TrainingState, gradients: list[tf.Tensor]) -> None:
    state.optimizer.apply_gradients(zip(gradients, state.model.trainable_variables, strict=True))


def _make_differentiator(
    state: TrainingState, settings: TrainingSettings, *, on_gpu: bool
) -> Differentiator:
    """Returns a compiled function for the gradients of a part's share of the loss.

    The function takes a part and the key of its dropout. It returns the gradients and the share of
    the loss.
    """
    weights = state.model.trainable_variables

    @tf.function(
        autograph=False, input_signature=[_part_type(settings), tf.TensorSpec([2], tf.int32)]
    )
    def differentiate(part: Part, key: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = part.share * translation_loss(
                state.model,
                part.source_ids,
                part.target_ids,
                settings.label_smoothing,
                Dropout(settings.dropout, key),
                with_padding=on_gpu,
                links=part.links,
                alignment_weight=settings.alignment_weight,
            )
        gradients = tape.gradient(loss, weights)
        return [*(tf.convert_to_tensor(gradient) for gradient in gradients), loss]

    return differentiate


def _one_after_another(
    differentiate: Differentiator, parts: Batch, key: tf.Tensor, first: int
) -> list[tf.Tensor]:
    """Sums the gradients and losses of the parts.

    Each part waits for the one before, so memory holds the activations of a single part.

    Args:
      differentiate: function of the replica.
      parts: parts of the replica.
      key: key of the step, also used for part 0 of all replicas.
      first: number of the first part, counted over all replicas.
    """
    sums: list[tf.Tensor] = []
    for number, part in enumerate(parts, start=first):
        with tf.device("CPU:0"):
            own_key = tf.random.experimental.stateless_fold_in(key, number) if number else key
        with tf.control_dependencies(sums):
            part = tf.nest.map_structure(tf.identity, part) if sums else part
        found = differentiate(part, own_key)
        sums = [total + one for total, one in zip(sums, found, strict=True)] if sums else found
    return sums
