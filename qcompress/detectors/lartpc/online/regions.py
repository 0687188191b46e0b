"""Zero suppression and regions of interest: which ticks of a waveform are kept.

Samples are codes less a pedestal. A region is [start, stop) on a channel; what overlaps or touches is one region.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.online.waveforms import Mask, checked
from qcompress.errors import QcompressError

Integers = npt.NDArray[np.int64]
Samples = npt.NDArray[np.int32]


class Regions(NamedTuple):
    """One entry each, by channel and start; all (n,) int64."""

    channel: Integers
    start: Integers
    stop: Integers

    def kept(self) -> int:
        """How many ticks lie in regions."""
        return int((self.stop - self.start).sum())

    def mask(self, channels: int, ticks: int) -> Mask:
        """Whether a tick lies in a region, (channels, ticks)."""
        steps = np.zeros((channels, ticks + 1), np.int8)
        np.add.at(steps, (self.channel, self.start), 1)
        np.add.at(steps, (self.channel, self.stop), -1)
        return np.asarray(steps.cumsum(axis=1)[:, :-1] > 0)


def subtracted(codes: npt.ArrayLike, start: npt.ArrayLike | None = None) -> Samples:
    """Codes (channels, ticks) less the frugal pedestal of each channel, int32 of the same shape.

    start (channels,): pedestals in front of the first sample, that sample if not given. Raises QcompressError for codes
    that are none.
    """
    from qcompress.detectors.lartpc.online import kernels

    given = checked(codes)
    state = np.zeros((len(given), kernels.COLUMNS), np.int64)
    state[:, kernels.MEDIAN] = given[:, 0] if start is None else start
    found = np.empty(given.shape, np.int32)
    for row, own, out in zip(given, state, found, strict=True):
        kernels.pedestal(row, own, out)
    return found


def zero_suppress(samples: npt.ArrayLike, threshold: int, pad: int = 10, masked: Mask | None = None) -> Regions:
    """Regions of all ticks that are at most `pad` ticks from a sample with |x| > threshold.

    samples: (channels, ticks) integers, of which those of `masked` (channels,) are not kept. The experiments take a
    threshold of 5 or 10. Raises QcompressError for samples that are none and for a threshold below 0.
    """
    return two_thresholds(samples, threshold, threshold, pad, masked)


def two_thresholds(samples: npt.ArrayLike, high: int, low: int, pad: int = 10, masked: Mask | None = None) -> Regions:
    """Regions around runs of |x| > low that reach |x| > high somewhere, with `pad` ticks on both sides.

    samples: (channels, ticks) integers; masked (channels,): are not kept. Raises QcompressError for samples that are
    none, for low above high, and for numbers below 0.
    """
    x = _samples(samples)
    if not 0 <= low <= high or pad < 0:
        raise QcompressError(f"thresholds {high}, {low} and {pad} ticks: 0 or more, the low one not above the high one")
    size = np.abs(x)
    over = size > low
    if masked is not None:
        over = over & ~np.asarray(masked, np.bool_)[:, None]
    channel, start, stop = _runs(over)
    if high > low:
        seeds = np.concatenate([[0], np.cumsum(size > high)])
        flat = channel * x.shape[1]
        reached = seeds[flat + stop] > seeds[flat + start]
        channel, start, stop = channel[reached], start[reached], stop[reached]
    return _joined(channel, np.maximum(start - pad, 0), np.minimum(stop + pad, x.shape[1]))


def _samples(samples: npt.ArrayLike) -> Samples:
    """`samples` as int32; QcompressError for another shape or for fractions."""
    given = np.asarray(samples)
    if given.ndim != 2 or given.shape[1] < 1:
        raise QcompressError(f"samples are (channels, ticks), not of shape {given.shape}")
    if given.dtype.kind not in "iu":
        raise QcompressError(f"samples are whole numbers, not {given.dtype}")
    return np.asarray(given, np.int32)


def _runs(over: Mask) -> tuple[Integers, Integers, Integers]:
    """Channel, start, stop of the runs of True."""
    edges = np.diff(over.astype(np.int8), axis=1, prepend=0, append=0)
    channel, start = np.nonzero(edges > 0)
    return channel, start, np.nonzero(edges < 0)[1]


def _joined(channel: Integers, start: Integers, stop: Integers) -> Regions:
    """Regions in order, overlapping and touching ones joined; stops rise with starts on a channel."""
    if not len(channel):
        return Regions(channel, start, stop)
    first = np.concatenate([[True], (channel[1:] != channel[:-1]) | (start[1:] > stop[:-1])])
    last = np.concatenate([first[1:], [True]])
    return Regions(channel[first], start[first], stop[last])
