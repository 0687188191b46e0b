"""Staircases as straight lines of integers: floor((a x + b) / 2**s), cut at both ends, equal at every threshold."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from qcompress.fixedpoint import Codes

MOST_BITS = 36
"""Widest factor a."""
WIDEST = 61
"""Bits of the products that are compared, in int64: a difference of two fits."""
MOST_SHIFT = 56
HALVINGS = 120


class Line(NamedTuple):
    """factor and offset of every channel, and the bits that are dropped of the sum."""

    factor: Codes
    offset: Codes
    shift: int


class Channel(NamedTuple):
    """A staircase of one channel: input codes between which it holds, thresholds, and one more of output codes."""

    low: int
    high: int
    thresholds: Codes
    codes: Codes


class _Sides(NamedTuple):
    """Points (input, output) of one channel: those that a line must not be below, and those that it must be below."""

    under: Codes
    over: Codes

    def gap(self, slope: float) -> float:
        """How far a line of this slope may be shifted; negative if there is none."""
        under, over = (points[1] - slope * points[0] for points in self)
        return float(over.min(initial=np.inf) - under.max(initial=-np.inf))


def line_of(channels: Sequence[Channel], least: int, most: int) -> Line | None:
    """The line, of all channels, with the fewest bits dropped that steps where each of them does, if there is one.

    least, most: output codes at which what follows the line cuts it off.
    """
    sides = [_sides(channel, least, most) for channel in channels]
    known = [side for side in sides if side is not None]
    if len(known) < len(sides):
        return None
    slopes = [_slope(side, channel) for side, channel in zip(known, channels, strict=True)]
    for shift in range(MOST_SHIFT):
        found = [_fitted(side, slope, shift) for side, slope in zip(known, slopes, strict=True)]
        fitted = [pair for pair in found if pair is not None]
        if len(fitted) == len(found):
            factor, offset = np.array(fitted, np.int64).T
            return Line(factor, offset, shift)
    return None


def _sides(channel: Channel, least: int, most: int) -> _Sides | None:
    """None where a channel rises and falls. Steps of more than one are levels that are reached together."""
    rise = np.diff(channel.codes)
    if not ((rise > 0).all() or (rise < 0).all()):
        return None
    rises = bool((rise > 0).all())
    at = np.repeat(channel.thresholds, np.abs(rise))
    low, high = sorted((int(channel.codes[0]), int(channel.codes[-1])))
    level = np.arange(low, high) + 1 if rises else np.arange(high, low, -1)
    under, over = np.stack([at - (not rises), level]), np.stack([at - rises, level])
    ends = (channel.low, channel.high) if rises else (channel.high, channel.low)
    if low > least:
        under = np.append(under, [[ends[0]], [low]], axis=1)
    if high < most:
        over = np.append(over, [[ends[1]], [high + 1]], axis=1)
    return _Sides(under, over)


def _slope(side: _Sides, channel: Channel) -> float:
    """The slope whose line may be shifted most: that distance is concave."""
    steps = abs(int(channel.codes[-1]) - int(channel.codes[0]))
    if not steps:
        return 0.0
    low, high = (0.0, steps + 2.0) if channel.codes[-1] > channel.codes[0] else (-steps - 2.0, 0.0)
    for _ in range(HALVINGS):
        one, other = low + (high - low) / 3, high - (high - low) / 3
        if side.gap(one) < side.gap(other):
            low = one
        else:
            high = other
    return (low + high) / 2


def _fitted(side: _Sides, slope: float, shift: int) -> tuple[int, int] | None:
    """Factor and offset of one channel; None if no offset fits the factors nearest to its slope."""
    nearest = int(np.floor(slope * 2.0**shift))
    given, level = (max(int(np.abs(points[row]).max(initial=0)) for points in side) for row in (0, 1))
    for factor in (nearest, nearest + 1):
        if abs(factor) >= 1 << MOST_BITS or max(level << shift, abs(factor) * given) >= 1 << WIDEST:
            continue
        under, over = ((points[1] << shift) - factor * points[0] for points in side)
        if not under.size or not over.size:  # cut off at one end at least
            return factor, int(under.max() if under.size else over.min() - 1) if under.size or over.size else 0
        if under.max() < over.min():
            return factor, int(under.max() + (over.min() - 1 - under.max()) // 2)
    return None
