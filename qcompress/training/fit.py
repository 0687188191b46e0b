"""A plain, deterministic fit: Adam, early stopping on the validation loss, the best weights kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from qcompress.errors import QcompressError
from qcompress.frontends.qkeras import import_keras
from qcompress.progress import Report

Float32 = npt.NDArray[np.float32]


class TrainingOptions(BaseModel):
    """What a config may say about the fit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(100, ge=1)
    batch_size: int = Field(500, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    patience: int = Field(30, ge=1)


@dataclass(frozen=True)
class TrainingData:
    """Float32 rows: what enters the network and what the loss compares, for training and validation."""

    inputs: Float32
    targets: Float32
    validation_inputs: Float32
    validation_targets: Float32


def make_deterministic(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, number layers from 1, use deterministic kernels; before any layer is built."""
    keras = import_keras()
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)


def fit(
    model: Any, loss: Callable[[Any, Any], Any], data: TrainingData, options: TrainingOptions, report: Report
) -> list[dict[str, float]]:
    """Train in place; returns one row per epoch (epoch, loss, val_loss). The weights of the best epoch are kept.

    Raises QcompressError if there are fewer rows than a batch, or if the loss becomes NaN.
    """
    import keras

    if len(data.inputs) < options.batch_size:
        raise QcompressError(f"batch_size {options.batch_size}: the sample has only {len(data.inputs)} training rows")
    history: list[dict[str, float]] = []

    def on_epoch_end(epoch: int, logs: dict[str, float]) -> None:
        history.append({"epoch": epoch + 1, "loss": float(logs["loss"]), "val_loss": float(logs["val_loss"])})
        report(epoch + 1, options.epochs, f"loss {logs['loss']:.5f}, validation {logs['val_loss']:.5f}")

    model.compile(optimizer=keras.optimizers.Adam(options.learning_rate), loss=loss)
    stop = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=options.patience, restore_best_weights=True, start_from_epoch=0
    )
    model.fit(
        data.inputs,
        data.targets,
        validation_data=(data.validation_inputs, data.validation_targets),
        batch_size=options.batch_size,
        epochs=options.epochs,
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_end=on_epoch_end),
            keras.callbacks.TerminateOnNaN(),
            stop,
        ],
        verbose=0,
    )
    if not all(np.isfinite([row["loss"], row["val_loss"]]).all() for row in history):
        raise QcompressError(f"training: the loss is NaN in epoch {len(history)}; lower learning_rate")
    return history
