"""Learning rates of all steps of a training, as a table that the compiled steps read."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.training.options import TrainingOptions

STEPS = 3
"""Rates of the schedule `step`."""
ONE_CYCLE_START = 1 / 25
"""Share of the largest rate with which one-cycle begins (Smith and Topin, arXiv:1708.07120)."""

CYCLIC = ("cyclic", "restarts")

Rates = npt.NDArray[np.float64]


def learning_rates(options: TrainingOptions, steps: int) -> Rates:
    """(steps,): the learning rate of every step; the first or the highest is options.learning_rate.

    Raises QcompressError for cycles that are shorter than a step.
    """
    growth = options.cycle_growth if options.schedule == "restarts" else 1.0
    if options.schedule in CYCLIC and steps > 0 and round(steps * _ends(options.cycles, growth)[1], 9) < 1:
        raise QcompressError(
            f"training.cycles {options.cycles}: the training has only {steps} steps, the first cycle would have none;"
            " give fewer cycles or less cycle_growth"
        )
    done = np.linspace(0, 1, steps) if steps > 1 else np.zeros(1)
    return options.learning_rate * _SHAPES[options.schedule](done, options)


def _constant(done: Rates, options: TrainingOptions) -> Rates:
    return np.ones_like(done)


def _linear(done: Rates, options: TrainingOptions) -> Rates:
    return 1 + (options.final_share - 1) * done


def _exponential(done: Rates, options: TrainingOptions) -> Rates:
    return np.asarray(options.final_share**done)


def _cosine(done: Rates, options: TrainingOptions) -> Rates:
    return _half_wave(1, options.final_share, done)


def _step(done: Rates, options: TrainingOptions) -> Rates:
    """STEPS rates one behind the other, each for as long, by equal factors down to the last share."""
    stair = np.minimum(np.floor(done * STEPS), STEPS - 1)
    return np.asarray(options.final_share ** (stair / (STEPS - 1)))


def _one_cycle(done: Rates, options: TrainingOptions) -> Rates:
    """Up along half a cosine wave, then down along another."""
    up = _half_wave(ONE_CYCLE_START, 1, done / options.rise)
    down = _half_wave(1, options.final_share, (done - options.rise) / (1 - options.rise))
    return np.where(done < options.rise, up, down)


def _cyclic(done: Rates, options: TrainingOptions) -> Rates:
    """Cycles of equal length, each up along a straight line and down along another (Smith, arXiv:1506.01186)."""
    _, inside = _cycle(done, options.cycles, 1.0)
    up, down = inside / options.rise, (1 - inside) / (1 - options.rise)
    return options.final_share + (1 - options.final_share) * np.minimum(up, down)


def _restarts(done: Rates, options: TrainingOptions) -> Rates:
    """A cosine that begins anew with each cycle (Loshchilov and Hutter, arXiv:1608.03983)."""
    _, inside = _cycle(done, options.cycles, options.cycle_growth)
    return _half_wave(1, options.final_share, inside)


def _cycle(done: Rates, cycles: int, growth: float) -> tuple[npt.NDArray[np.int64], Rates]:
    """Number of the cycle that each share of the steps lies in, and the share of that cycle that is done."""
    ends = _ends(cycles, growth)
    number = np.minimum(np.searchsorted(ends, done, side="right") - 1, cycles - 1)
    return number, (done - ends[number]) / (ends[number + 1] - ends[number])


def _ends(cycles: int, growth: float) -> Rates:
    """(cycles + 1,): where the cycles begin, and the last one ends, as shares of all steps."""
    ends = np.cumsum(growth ** np.arange(1.0 - cycles, 1.0))  # of the last cycle, so that none is too large for a float
    return np.concatenate([[0.0], ends / ends[-1]])


def _half_wave(first: float, last: float, done: Rates) -> Rates:
    return np.asarray(last + (first - last) * (1 + np.cos(np.pi * done)) / 2)


_SHAPES: dict[str, Callable[[Rates, TrainingOptions], Rates]] = {
    "constant": _constant,
    "linear": _linear,
    "exponential": _exponential,
    "cosine": _cosine,
    "step": _step,
    "one_cycle": _one_cycle,
    "cyclic": _cyclic,
    "restarts": _restarts,
}
"""Share of the largest learning rate, of the share of all steps that are done."""
