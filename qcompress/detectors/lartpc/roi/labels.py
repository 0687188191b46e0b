"""Which windows train a network: those with a clean signal of 3 ADC counts or more, and as many with none."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.roi.windows import TICKS, Integers

LEAST_PEAK = 3.0
"""Of the signal without noise, either sign, in counts of 12 bits, that makes a window one of signal."""


class Chosen(NamedTuple):
    """Windows of a plane: channel, first tick (n,), and the largest clean sample in each [ADC counts of 12 bits]."""

    channel: Integers
    start: Integers
    peak: npt.NDArray[np.float32]

    @property
    def signal(self) -> npt.NDArray[np.bool_]:
        """Which windows are signal, (n,)."""
        return np.asarray(self.peak >= LEAST_PEAK)


def peaks(clean: npt.NDArray[np.float32], start: Integers, bits: int) -> npt.NDArray[np.float32]:
    """Largest size of the clean signal (channels, ticks) in each window, (channels, windows), in counts of 12 bits.

    start (windows,): first ticks; bits: of the converters that `clean` is in counts of.
    """
    size = np.abs(clean)
    found = np.stack([size[:, first : first + TICKS].max(axis=1) for first in start], axis=1)
    return np.asarray(found / (1 << (bits - 12)), np.float32)


def choose(clean: npt.NDArray[np.float32], bits: int, most: int, rng: np.random.Generator) -> Chosen:
    """At most `most` windows of signal, and as many of noise, of a plane's clean signal (channels, ticks).

    bits: of its counts; rng: says which. A window of signal holds the largest sample of its place somewhere: places are
    drawn evenly over windows of a fixed grid and moved by a random number of ticks.
    """
    ticks = clean.shape[1]
    grid = np.arange(0, ticks - TICKS + 1, TICKS // 2)
    moved = np.clip(grid + rng.integers(-TICKS // 4, TICKS // 4, len(grid)), 0, ticks - TICKS)
    peak = peaks(clean, moved, bits)
    signal = np.argwhere(peak >= LEAST_PEAK)
    noise = np.argwhere(peak < LEAST_PEAK)
    count = min(len(signal), most)
    places = [rng.permutation(found)[:count] for found in (signal, noise)]
    channel, window = np.concatenate(places).T
    return Chosen(channel, moved[window], peak[channel, window])
