"""The fit: epochs of compiled steps, three checkpoints, early stopping, and going on after a kill."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError, QcompressWarning
from qcompress.frontends.keras_objects import KerasModel, Loss
from qcompress.frontends.runtime import import_keras
from qcompress.progress import Report
from qcompress.training.checkpoint import (
    BEST,
    MEASURE,
    OPERATIONS,
    Arrays,
    Row,
    State,
    architecture,
    assign,
    at,
    fingerprint,
    load,
    read,
    save,
    value,
)
from qcompress.training.data import StreamedData, TrainingData
from qcompress.training.history import overtrained_since
from qcompress.training.initialization import kaiming
from qcompress.training.layer_rates import shares_of
from qcompress.training.learned_widths import bit_operations, learning, penalize, penalty_at
from qcompress.training.options import TrainingOptions
from qcompress.training.pruning import Pruning
from qcompress.training.schedules import learning_rates
from qcompress.training.steps import Augment
from qcompress.training.streaming import steps_for

Measure = Callable[[Any, Any], float]
"""Outputs and targets of all validation rows -> what counts, the smaller the better."""

Watch = Callable[[int, float], None]
"""(epoch, validation loss): called behind every epoch, from 1 on, those before a kill included; may end the fit."""

__all__ = ["Fitted", "TrainingData", "TrainingOptions", "Watch", "fit", "make_deterministic"]

REGROUPING: tuple[str, ...] = ("arithmetic_optimization", "constant_folding")
"""Passes over TensorFlow's graphs that regroup products of quantizers' scales, in the order of tables of hashes that
differs from run to run: the last bit of a gradient with it."""
ROWS_BETWEEN_REPORTS = 50_000
SECONDS_BETWEEN_SAVES = 0.5


@dataclass(frozen=True)
class Fitted:
    """What a fit leaves besides the trained model.

    history: a row for each epoch (epoch, loss, val_loss, learning_rate); checkpoints: values of model.variables, by
    name (best_validation, best_training, last, and at_N of each number of bit operations that was wanted and reached);
    overtrained_since: see `history.overtrained_since`.
    """

    history: list[Row]
    checkpoints: dict[str, Arrays]
    overtrained_since: int | None

    def best_epoch(self) -> Row:
        """The row of the best validation."""
        return min(self.history, key=lambda row: value(row, "val_loss"))


def make_deterministic(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow with seed, number layers from 1, use deterministic kernels, graphs as written.

    To be called before any layer is built.
    """
    keras = import_keras()
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options(dict.fromkeys(REGROUPING, False))
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)


def fit(
    model: KerasModel,
    loss: Loss,
    data: TrainingData | StreamedData,
    options: TrainingOptions,
    report: Report,
    seed: int = 0,
    resume: Path | None = None,
    told: str = "",
    measure: Measure | None = None,
    watch: Watch | None = None,
    augment: Augment | None = None,
) -> Fitted:
    """Train model in place on data; it ends with the weights of the checkpoint that options.keep names.

    loss(target, output): a number, or one for each row; what layers add to it (add_loss, activity regularizers) counts.
    report: told how far it is. seed: of the order of rows, drawn anew for every epoch; rows that fill no batch are left
    out of it. resume: a folder for the state of this training, from which the same training goes on if it was killed;
    the same are layers with their quantizers, variables, options, data, seed, and told: what else decides, such as the
    loss. measure: of one network's outputs and targets on all validation rows, what counts instead of the validation
    loss, the smaller the better. watch: sees every epoch and may end the training with an error of its own. augment: of
    every batch that is trained on. Raises QcompressError for fewer rows than a batch, or if the loss is no number.
    """
    rows = data.rows
    if rows < options.batch_size:
        raise QcompressError(f"batch_size {options.batch_size}: the sample has only {rows} training rows")
    if options.initialization == "kaiming":
        kaiming(model, seed)
    if learning(model) and options.keep != "last" and options.penalty:
        raise QcompressError(
            f"training.keep {options.keep}: the penalty on bits rises, the last epoch has the fewest; give keep: last"
        )
    if options.bit_operations and not learning(model):
        raise QcompressError("training.bit_operations: no layer learns its widths; give network.bits: learned")
    if options.epochs == 0:
        return as_it_is(model, loss, data, options)
    training = _Training(model, loss, data, options, seed, resume, told, measure, augment)
    state = training.run(report, watch or (lambda epoch, loss: None))
    if missing := [most for most in options.bit_operations if at(most) not in state.best]:
        fewest = min(row[OPERATIONS] for row in state.history)
        warnings.warn(
            f"training.bit_operations {missing[0]}: no epoch had so few, the fewest are {fewest:.0f}; raise penalty",
            QcompressWarning,
            stacklevel=2,
        )
    assign(model.variables, state.checkpoints[options.keep])
    return Fitted(state.history, state.checkpoints, overtrained_since(state.history))


def as_it_is(model: KerasModel, loss: Loss, data: TrainingData | StreamedData, options: TrainingOptions) -> Fitted:
    """A model that is not trained: a history of epoch 0 alone, whose loss is that of the validation rows of `data`.

    loss: as in `fit`; options: the size of a batch.
    """
    steps = steps_for(data)(model, loss, data, options.batch_size, np.zeros(1))
    found = steps.validation_loss()
    weights = read(model.variables)
    row = {"epoch": 0, "loss": found, "val_loss": found, "learning_rate": 0.0}
    return Fitted([row], dict.fromkeys((*BEST, "last"), weights), None)


class _Training:
    """A fit on its way."""

    def __init__(
        self,
        model: KerasModel,
        loss: Loss,
        data: TrainingData | StreamedData,
        options: TrainingOptions,
        seed: int,
        resume: Path | None,
        told: str,
        measure: Measure | None,
        augment: Augment | None,
    ) -> None:
        self._measure = measure
        self._model, self._options, self._seed = model, options, seed
        self._rows = data.rows
        self._steps_per_epoch = self._rows // options.batch_size
        self._rates = learning_rates(options, self._steps_per_epoch * options.epochs)
        self._path = None
        if resume is not None:
            settings = (options.model_dump_json(), str(seed), data.content_hash(), architecture(model), told)
            self._path = resume / f"{model.name}-{fingerprint(model.variables, *settings)[:16]}.npz"
        self._pruning = Pruning(model, options)
        self._steps = steps_for(data)(
            model,
            loss,
            data,
            options.batch_size,
            self._rates,
            options.weight_decay,
            options.xla,
            self._pruning,
            augment,
            seed,
            shares_of(model, options.layer_rates),
        )
        self._saved = time.monotonic()

    def run(self, report: Report, watch: Watch) -> State:
        """All epochs that are left; watch: sees all there are."""
        state = self._begin()
        for row in state.history:
            watch(int(row["epoch"]), row["val_loss"])
        rising = bool(
            learning(self._model) or self._options.pruned
        )  # bits or weights are lost for a loss that is worse
        while len(state.history) < self._options.epochs and (
            rising or state.epochs_since_best() < self._options.patience
        ):
            self._epoch(state, report)
            if time.monotonic() - self._saved > SECONDS_BETWEEN_SAVES:
                self._save(state)
            watch(len(state.history), state.history[-1]["val_loss"])
        self._save(state)
        return state

    def _begin(self) -> State:
        if self._path is None or not self._path.is_file():
            own = read(self._model.variables), read(self._steps.optimizer.variables)
            return State(*own, wanted=self._options.bit_operations)
        state = replace(load(self._path), wanted=self._options.bit_operations)
        self._restore(state)
        return state

    def _restore(self, state: State) -> None:
        assign(self._model.variables, state.weights)
        assign(self._steps.optimizer.variables, state.optimizer)

    def _save(self, state: State) -> None:
        if self._path is not None:
            save(state, self._path)
        self._saved = time.monotonic()

    def _epoch(self, state: State, report: Report) -> None:
        """Train on all rows once, score, and add a row to the history."""
        epoch, total, size = len(state.history), self._options.epochs, self._options.batch_size
        order, chunk = self._order(epoch), max(1, ROWS_BETWEEN_REPORTS // size)
        penalize(self._model, penalty_at(self._options, epoch))
        self._pruning.begin(epoch)
        losses: list[npt.NDArray[np.float32]] = []
        started = time.monotonic()
        for first in range(0, len(order), chunk):
            found = self._steps.run(order[first : first + chunk])
            losses.append(found.of_steps)
            if not found.finite:
                raise self._not_a_number(state, epoch * len(order) + first + len(found.of_steps))
            if first + chunk < len(order):
                words = f"loss {found.of_steps.mean():.5f}, {_rate(losses, size, started)}"
                report(epoch + (first + chunk) / len(order), total, words)
        rate = _rate(losses, size, started)
        row = {
            "epoch": epoch + 1,
            "loss": float(np.concatenate(losses).mean(dtype=np.float64)),
            "val_loss": self._steps.validation_loss(),
            "learning_rate": float(self._rates[(epoch + 1) * len(order) - 1]),
        }
        if not np.isfinite(row["val_loss"]):
            raise self._not_a_number(state, (epoch + 1) * len(order), "validation loss")
        if self._measure is not None:
            row[MEASURE] = self._measure(*self._steps.validation_outputs())
        if (operations := bit_operations(self._model)) is not None:
            row[OPERATIONS] = operations
        state.take(row, read(self._model.variables), read(self._steps.optimizer.variables))
        bits = "" if operations is None else f", {operations:.0f} bit operations"
        report(epoch + 1, total, f"loss {row['loss']:.5f}, validation {row['val_loss']:.5f}{bits}, {rate}")

    def _order(self, epoch: int) -> npt.NDArray[np.int32]:
        """Rows of every step of an epoch, (steps, batch)."""
        order = np.random.default_rng([self._seed, epoch]).permutation(self._rows)
        size = self._options.batch_size
        return order[: self._steps_per_epoch * size].reshape(-1, size).astype(np.int32)

    def _not_a_number(self, state: State, step: int, what: str = "loss") -> QcompressError:
        """The fault to raise; the state of the last whole epoch is kept, in the model and in its file."""
        self._restore(state)
        self._save(state)
        kept = f"epoch {len(state.history)}" + (f" in {self._path}" if self._path else "")
        return QcompressError(
            f"training: the {what} is NaN or infinite in step {step}, epoch {len(state.history) + 1}; the last good "
            f"checkpoint is that of {kept}; lower learning_rate"
        )


def _rate(losses: list[npt.NDArray[np.float32]], batch_size: int, started: float) -> str:
    rows = sum(map(len, losses)) * batch_size
    return f"{rows / max(time.monotonic() - started, 1e-9):,.0f} rows/s"
