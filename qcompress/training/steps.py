"""Training steps without Python between them: a TensorFlow graph loops over batches of rows that lie on the device."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.frontends.keras_objects import KerasModel, Loss, Tensor
from qcompress.training.data import StreamedData, TrainingData, arrays, row_count
from qcompress.training.layer_rates import slowed
from qcompress.training.pruning import Pruning
from qcompress.training.schedules import Rates

VALIDATION_ROWS = 4096
"""Rows of one batch of the validation at the most."""
VALIDATION_ELEMENTS = 1 << 21
"""Numbers that enter a network in one batch of the validation, unless a single row has more."""

Augment = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""Inputs and targets of a batch, two int32 for random numbers -> inputs and targets that could have been there too."""


class Losses(NamedTuple):
    """Loss of every step that was made, (steps,); finite: whether the last one was a number."""

    of_steps: npt.NDArray[np.float32]
    finite: bool


class Steps:
    """A model with its optimizer and its data on the device.

    rates: learning rate of every step from the first; pruning: of the model, applied behind every step; augment: of
    every batch that is trained on, with (seed, number of the step); shares: of the learning rate, of every trainable
    variable. What a model adds to its losses (penalties on
    activations) is part of the loss.
    """

    def __init__(
        self,
        model: KerasModel,
        loss: Loss,
        data: TrainingData | StreamedData,
        batch_size: int,
        rates: Rates,
        weight_decay: float = 0.0,
        xla: bool = False,
        pruning: Pruning | None = None,
        augment: Augment | None = None,
        seed: int = 0,
        shares: list[float] | None = None,
    ) -> None:
        import keras
        import tensorflow as tf

        self.model, self._loss, self._batch_size, self._xla = model, loss, batch_size, xla
        self._pruning, self._augment, self._seed = pruning, augment, seed
        self._shares = shares if shares is not None and set(shares) != {1.0} else None
        self.optimizer = (
            keras.optimizers.AdamW(_table(rates), weight_decay=weight_decay)
            if weight_decay
            else (keras.optimizers.Adam(_table(rates)))
        )
        if weight_decay:
            self.optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
        self.optimizer.build(model.trainable_variables)
        self._score = tf.function(self._validation_mean, jit_compile=xla, reduce_retracing=True)
        self._outputs = tf.function(self._infer, jit_compile=xla, reduce_retracing=True)
        self._place(data)

    def _place(self, data: Any) -> None:
        """Put the rows on the device."""
        import tensorflow as tf

        self._rows = tf.nest.map_structure(tf.constant, (data.inputs, data.targets))
        self._validation = tf.nest.map_structure(tf.constant, (data.validation_inputs, data.validation_targets))
        self._step = tf.function(self._one_step, jit_compile=self._xla)
        self._run = tf.function(
            self._loop, input_signature=[tf.TensorSpec((None, self._batch_size), tf.int32)], autograph=False
        )

    def run(self, order: npt.NDArray[np.int32]) -> Losses:
        """Train on rows `order` (steps, batch); stops behind the first step whose loss is no number."""
        losses, made = self._run(order)
        found = losses.numpy()[: int(made)]
        return Losses(found, bool(np.isfinite(found).all()))

    def validation_loss(self) -> float:
        """Mean over all validation rows, with the weights as they are."""
        import tensorflow as tf

        rows, total, size = row_count(self._validation[0]), 0.0, validation_batch(self._validation[0])
        for start in range(0, rows, size):
            part = tf.nest.map_structure(lambda array, at=start: array[at : at + size], self._validation)
            total += float(self._score(*part)) * min(size, rows - start)
        return total / rows

    def validation_outputs(self) -> tuple[Any, Any]:
        """Outputs of the model for all validation rows, with the weights as they are, and the targets."""
        import tensorflow as tf

        rows, outputs, size = row_count(self._validation[0]), [], validation_batch(self._validation[0])
        for start in range(0, rows, size):
            part = tf.nest.map_structure(lambda array, at=start: array[at : at + size], self._validation[0])
            outputs.append(self._outputs(part).numpy())
        return np.concatenate(outputs), tf.nest.map_structure(lambda array: array.numpy(), self._validation[1])

    def _infer(self, inputs: Tensor) -> Tensor:
        return self.model(inputs, training=False)

    def _mean_loss(self, inputs: Tensor, targets: Tensor, training: bool) -> Tensor:
        import tensorflow as tf

        value = tf.reduce_mean(self._loss(targets, self.model(inputs, training=training)))
        return tf.add_n([value, *(tf.cast(more, value.dtype) for more in self.model.losses)])

    def _validation_mean(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return self._mean_loss(inputs, targets, training=False)

    def _one_step(self, rows: Tensor) -> Tensor:
        import tensorflow as tf

        return self._descend(*tf.nest.map_structure(lambda array: tf.gather(array, rows), self._rows))

    def _descend(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """One step on a batch; its loss."""
        import tensorflow as tf

        if self._augment is not None:
            numbers = tf.stack(
                [tf.constant(np.int32(self._seed % 2**31)), tf.cast(self.optimizer.iterations, tf.int32)]
            )
            inputs, targets = self._augment(inputs, targets, numbers)
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            loss = self._mean_loss(inputs, targets, training=True)
        before = [tf.identity(variable.value) for variable in variables] if self._shares is not None else []
        self.optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
        if self._shares is not None:
            slowed(variables, before, self._shares)
        if self._pruning is not None:
            self._pruning.apply()
        return loss

    def _loop(self, order: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of every step, and how many were made."""
        import tensorflow as tf

        steps = tf.shape(order)[0]

        def body(step: Tensor, losses: Tensor, finite: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            loss = self._step(order[step])
            return step + 1, losses.write(step, loss), tf.math.is_finite(loss)

        begin = (0, tf.TensorArray(tf.float32, steps, element_shape=()), True)
        made, losses, _ = tf.while_loop(lambda step, _, finite: (step < steps) & finite, body, begin)
        return losses.stack(), made


def validation_batch(inputs: Any) -> int:
    """Rows of one batch of the validation; inputs: some of them."""
    row = sum(int(np.prod(array.shape[1:])) for array in arrays(inputs))
    return max(1, min(VALIDATION_ROWS, VALIDATION_ELEMENTS // row))


def _table(rates: Rates) -> Tensor:
    """A Keras schedule that reads the rate of its step from a table."""
    import keras
    import tensorflow as tf

    class Table(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
        def __call__(self, step: Tensor) -> Tensor:
            return tf.gather(tf.constant(rates, tf.float32), tf.minimum(tf.cast(step, tf.int32), len(rates) - 1))

    return Table()
