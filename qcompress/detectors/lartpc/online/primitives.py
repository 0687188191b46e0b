"""Trigger primitives: when a channel is above threshold, by one of three finders, as the read-out's software has them.

From each code the frugal pedestal is taken off. Then one of

- `threshold`: the samples themselves;
- `fir`: a low pass of seven taps of sum 64, above 5 x 64 times the distance of the quartiles, themselves frugal;
- `running-sum`: RS = 8 (RS / 10) + 5 (|x| / 10), divisions cut off, less a second frugal pedestal.

A primitive is a run of values above the threshold. Frames may be of any length: what a frame leaves open is in `State`,
and pieces give what the whole gives. A filter's primitives are late: three ticks with seven taps.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.online.waveforms import MOST_BITS, Codes, Mask, checked
from qcompress.detectors.lartpc.presets import Plane, Preset
from qcompress.errors import QcompressError
from qcompress.threads import kernel_pool

Integers = npt.NDArray[np.int64]
Finder = Literal["threshold", "fir", "running-sum"]
THREADS = 2
TAPS = (1, 6, 15, 20, 15, 6, 1)
TAP_SHIFT = 6
"""A filtered sample is 1/64 of the sum of products."""
QUARTILES = 5
RUNNING = (8, 5)
"""Tenths of the running sum that are kept, and of a sample that are added."""
THRESHOLDS: dict[str, tuple[int, int, int]] = {"threshold": (70, 70, 60), "fir": (0, 0, 0), "running-sum": (80, 80, 65)}
"""Of the planes in order of drift, in counts of 14 bits; that of `fir` is its own."""


@dataclass(frozen=True)
class Settings:
    """Which finder; its threshold [ADC counts]; quartiles: that of `fir`, in the distance of the quartiles.

    Raises QcompressError for a finder that there is not and for thresholds outside of 0 to 32767, 0 to 1000.
    """

    finder: Finder = "threshold"
    threshold: int = 60
    quartiles: int = QUARTILES

    def __post_init__(self) -> None:
        if self.finder not in THRESHOLDS:
            raise QcompressError(f"finder {self.finder}: there are {', '.join(THRESHOLDS)}")
        if not 0 <= self.threshold < 1 << MOST_BITS or not 0 <= self.quartiles <= 1000:
            raise QcompressError(f"threshold {self.threshold}, quartiles {self.quartiles}: 0 to 32767, 0 to 1000")

    @classmethod
    def of(cls, finder: Finder, preset: Preset, plane: Plane) -> "Settings":
        """The read-out's thresholds for a `plane`, by the bits of a `preset`'s converters; finder: which.

        They are of a gain of 14 mV/fC. Raises QcompressError for a finder that there is not.
        """
        if finder not in THRESHOLDS:
            raise QcompressError(f"finder {finder}: there are {', '.join(THRESHOLDS)}")
        threshold = THRESHOLDS[finder][preset.planes.index(plane)]
        return cls(finder, threshold >> (14 - preset.adc_bits))


class Primitives(NamedTuple):
    """One entry each, by channel and start; all (n,) int64.

    start, length: ticks above threshold; peak_time: of the first of the highest values; peak, total: of the values
    above threshold [ADC counts].
    """

    channel: Integers
    start: Integers
    length: Integers
    peak_time: Integers
    peak: Integers
    total: Integers


@dataclass(frozen=True)
class State:
    """What a finder knows of each channel: (channels, numbers of `kernels`), int64."""

    numbers: Integers

    @classmethod
    def fresh(cls, codes: npt.ArrayLike, spread: int = 0) -> "State":
        """Pedestals at the first of the codes (channels, ticks), quartiles `spread` counts from it on both sides."""
        from qcompress.detectors.lartpc.online import kernels

        first = checked(codes)[:, 0].astype(np.int64)
        numbers = np.zeros((len(first), kernels.COLUMNS), np.int64)
        numbers[:, kernels.MEDIAN] = first
        numbers[:, kernels.LOW], numbers[:, kernels.HIGH] = first - spread, first + spread
        return cls(numbers)

    def open(self) -> Primitives:
        """Primitives that the last frame's end cut, as far as they go."""
        from qcompress.detectors.lartpc.online import kernels as k

        channel = np.flatnonzero(self.numbers[:, k.LENGTH])
        columns = self.numbers[channel][:, [k.START, k.LENGTH, k.PEAK_TIME, k.PEAK, k.TOTAL]].T
        return Primitives(channel, *(np.ascontiguousarray(column) for column in columns))


class Found(NamedTuple):
    """Primitives that ended in a frame, and the state for the next one."""

    primitives: Primitives
    state: State


def find(codes: npt.ArrayLike, settings: Settings, state: State | None = None, masked: Mask | None = None) -> Found:
    """Primitives of a frame of `codes` (channels, ticks).

    settings: finder and threshold; state: of the frame before, fresh if not given; masked (channels,): are passed over,
    and keep their state. Raises QcompressError for codes that are none and for a state or mask of other channels.
    """
    given = checked(codes)
    before = State.fresh(given) if state is None else state
    skipped = np.zeros(len(given), np.bool_) if masked is None else np.asarray(masked, np.bool_)
    if len(before.numbers) != len(given) or skipped.shape != (len(given),):
        raise QcompressError(f"{len(given)} channels, but a state of {len(before.numbers)}, a mask of {skipped.size}")
    numbers = before.numbers.copy()
    bounds = np.linspace(0, len(given), THREADS + 1).astype(int)
    with kernel_pool(THREADS) as pool:
        parts = pool.map(lambda a, b: _part(given, numbers, skipped, settings, a, b), bounds[:-1], bounds[1:])
        columns = np.concatenate(list(parts)).T
    return Found(Primitives(*(np.ascontiguousarray(column) for column in columns)), State(numbers))


def _part(codes: Codes, numbers: Integers, masked: Mask, settings: Settings, first: int, last: int) -> Integers:
    """(n, 6) numbers of the primitives of some channels, whose state is moved on."""
    from qcompress.detectors.lartpc.online import finder_kernels

    fir, running = settings.finder == "fir", settings.finder == "running-sum"
    factor = settings.quartiles << TAP_SHIFT
    room = 1024
    while True:
        own = numbers[first:last].copy()
        found = np.empty((room, 6), np.int64)
        count = finder_kernels.find(
            codes[first:last], own, masked[first:last], fir, running, settings.threshold, np.int32(factor),
            np.array(TAPS, np.int32), TAP_SHIFT, np.array(RUNNING, np.uint32), found,
        )  # fmt: skip
        if count <= room:
            break
        room = count
    numbers[first:last] = own
    found[:count, 0] += first
    return found[:count]
