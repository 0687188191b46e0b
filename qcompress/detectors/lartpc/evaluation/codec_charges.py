"""Charges of pulses and errors of waveforms, of whatever gives waveforms back."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
LEAST_CLEAN = 1.0
"""Of clean samples, either sign, that belong to a pulse [ADC counts of 12 bits]."""


class Pulses(NamedTuple):
    """Pulses of clean waveforms (wires, ticks), one entry each: wire, [start, stop), largest sample [ADC counts]."""

    wire: Integers
    start: Integers
    stop: Integers
    peak: npt.NDArray[np.float64]


class Moments(NamedTuple):
    """Sums over samples: how many, their squared errors; of those in pulses, and of the others."""

    inside: int
    inside_square: float
    outside: int
    outside_square: float

    def plus(self, other: "Moments") -> "Moments":
        """Both together."""
        square = self.inside_square + other.inside_square, self.outside_square + other.outside_square
        return Moments(self.inside + other.inside, square[0], self.outside + other.outside, square[1])

    @property
    def rms(self) -> tuple[float, float]:
        """Of the errors, inside and outside."""
        inside, outside = self.inside_square / max(self.inside, 1), self.outside_square / max(self.outside, 1)
        return float(np.sqrt(inside)), float(np.sqrt(outside))


def pulses(clean: Floats, least: float, count: float = 1.0) -> Pulses:
    """Runs of |clean| (wires, ticks) of LEAST_CLEAN or more whose largest sample is `least` or more.

    count: ADC counts that are one of 12 bits.
    """
    size = np.abs(clean)
    over = size >= LEAST_CLEAN * count
    edges = np.diff(over.astype(np.int8), axis=1, prepend=0, append=0)
    wire, start = np.nonzero(edges > 0)
    stop = np.nonzero(edges < 0)[1]
    if not len(wire):
        return Pulses(wire, start, stop, np.zeros(0))
    width = clean.shape[1]
    places = np.column_stack([wire * width + start, wire * width + stop]).ravel()
    peak = np.maximum.reduceat(np.append(size.ravel(), 0.0), places)[::2]
    kept = peak >= least
    return Pulses(wire[kept], start[kept], stop[kept], peak[kept].astype(np.float64))


def charges(waves: npt.NDArray[np.floating] | Integers, clean: Floats, found: Pulses) -> npt.NDArray[np.float64]:
    """Sum of `waves` (wires, ticks) over each pulse, those where the `clean` one is negative turned round.

    found: the pulses. The charge on a collection wire, half of the size of both lobes on an induction wire.
    """
    signed = np.asarray(waves, np.float64) * np.sign(clean)
    sums = np.concatenate([np.zeros((len(signed), 1)), signed.cumsum(axis=1)], axis=1)
    return np.asarray(sums[found.wire, found.stop] - sums[found.wire, found.start])


def errors(waves: npt.NDArray[np.floating] | Integers, clean: Floats, count: float = 1.0) -> Moments:
    """Squared errors of `waves` against the `clean` ones (wires, ticks); count: as for `pulses`."""
    square = np.square(np.asarray(waves, np.float64) - clean)
    inside = np.abs(clean) >= LEAST_CLEAN * count
    return Moments(int(inside.sum()), float(square[inside].sum()), int((~inside).sum()), float(square[~inside].sum()))
