"""The learning-rate finder (Smith, arXiv:1506.01186): the rate grows with every batch until the loss explodes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcompress.frontends.keras_objects import KerasModel, Loss
from qcompress.progress import Report
from qcompress.training.data import StreamedData, TrainingData
from qcompress.training.fit import make_deterministic
from qcompress.training.steps import Steps
from qcompress.training.streaming import steps_for

MEMORY = 0.9
"""Of the running mean that smooths the losses."""
EXPLODED = 4.0
"""A smoothed loss so many times the lowest one ends the sweep."""
REACH_BACK = 0.5
"""Decades over which a fall of the loss is measured."""
STEPS_AT_ONCE = 20
FEWEST_STEPS = 3
"""That have a slope."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sweep:
    """One weight decay: rates and losses of the steps, (steps,), up to the explosion."""

    weight_decay: float
    rates: Floats
    losses: Floats

    @property
    def smoothed(self) -> Floats:
        """(steps,): running mean of the losses."""
        return running_mean(self.losses)

    @property
    def suggested_maximum(self) -> float:
        """The largest rate, below that of the lowest loss, at which the loss falls half as much as it ever does.

        Falls: of the smoothed loss since the rate was `REACH_BACK` decades lower, so that noise of batches is no fall.
        The first rate where the loss never falls.
        """
        decades, smoothed = np.log10(self.rates), self.smoothed
        falls = np.interp(decades - REACH_BACK, decades, smoothed) - smoothed
        falls[decades < decades[0] + REACH_BACK] = 0
        falls = falls[: int(np.argmin(smoothed))]
        largest = falls.max(initial=0.0)
        return float(self.rates[np.flatnonzero(falls >= largest / 2)[-1] if largest > 0 else 0])


def find_learning_rate(
    build: Callable[[], tuple[KerasModel, Loss]],
    data: TrainingData | StreamedData,
    batch_size: int,
    rates: Floats,
    weight_decays: list[float],
    seed: int,
    report: Report,
) -> list[Sweep]:
    """A sweep over growing rates (steps,) for every one of weight_decays, each from the same fresh weights.

    build: gives model and loss, freshly initialised; data: whose rows are used as often as needed, batch_size a step,
    in the same order by seed; report: told how far a sweep is.
    """
    sweeps = []
    for decay in weight_decays:
        make_deterministic(seed)
        model, loss = build()
        steps = steps_for(data)(model, loss, data, batch_size, rates, decay)
        order = _order(data.rows, batch_size, len(rates), seed)
        losses = _losses(steps, order, report, f"weight decay {decay:g}")
        sweeps.append(Sweep(decay, rates[: len(losses)], losses))
    return sweeps


def _order(rows: int, batch_size: int, steps: int, seed: int) -> npt.NDArray[np.int32]:
    """Rows of every step, (steps, batch): whole permutations one behind the other."""
    rng, epochs = np.random.default_rng([seed, 1506]), -(-steps * batch_size // rows)
    order = np.concatenate([rng.permutation(rows) for _ in range(epochs)])
    return order[: steps * batch_size].reshape(steps, batch_size).astype(np.int32)


def _losses(steps: Steps, order: npt.NDArray[np.int32], report: Report, words: str) -> Floats:
    losses = np.empty(0)
    for first in range(0, len(order), STEPS_AT_ONCE):
        found = steps.run(order[first : first + STEPS_AT_ONCE]).of_steps.astype(np.float64)
        losses = np.concatenate([losses, found])
        report(first + len(found), len(order), words)
        end = _end(losses)
        if end < len(losses):
            return losses[:end]
    return losses


def _end(losses: Floats) -> int:
    """Steps before the loss explodes or is no number."""
    smoothed = running_mean(losses)
    exploded = ~np.isfinite(smoothed) | (smoothed > EXPLODED * np.minimum.accumulate(smoothed))
    return max(int(np.argmax(exploded)), FEWEST_STEPS) if exploded.any() else len(losses)


def running_mean(losses: Floats) -> Floats:
    """Exponential running mean of losses (steps,), (steps,), without the bias of its beginning."""
    means, mean = np.empty(len(losses)), 0.0
    for step, loss in enumerate(losses):
        mean = MEMORY * mean + (1 - MEMORY) * loss
        means[step] = mean / (1 - MEMORY ** (step + 1))
    return means
