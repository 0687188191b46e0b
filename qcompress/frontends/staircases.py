"""Functions of one integer as staircases: where one steps, found by bisection on the function itself."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Values

Function = Callable[[Codes], Values]
"""Codes (n, channels) -> values (n, channels), each channel by itself."""
MOST_STEPS = 1 << 20
"""Steps of all channels together."""
EXHAUSTIVE = 1 << 14
"""Codes that are all tried instead of halved between."""
MOST_TRIED = 1 << 21
"""Codes of all channels together that are tried where halving would do as well."""


class Staircase(NamedTuple):
    """thresholds: of every channel, rising; values: one more of every channel, what the function gives between them."""

    thresholds: list[Codes]
    values: list[Values]

    @property
    def steps(self) -> int:
        """Of the channel that has most."""
        return max(len(row) for row in self.thresholds)

    def at(self, codes: Codes) -> Values:
        """What the steps say of codes (n, channels)."""
        columns = [
            values[np.searchsorted(steps, column, side="right")]
            for steps, values, column in zip(self.thresholds, self.values, codes.T, strict=True)
        ]
        return np.stack(columns, axis=1)


def staircase(function: Function, low: Codes, high: Codes, monotonic: bool, near: int = 0) -> Staircase:
    """The steps of a function between codes low and high of every channel, (channels,).

    monotonic: whether each channel only rises or only falls; if not, every code is tried. near: how many codes on
    either side of each step are tried besides. Raises QcompressError for more than MOST_STEPS steps, for a range too
    wide to be tried, and where one of the codes tried is on the wrong side of a step.
    """
    span = int((high - low).max())
    if span < EXHAUSTIVE and (not monotonic or span * len(low) < MOST_TRIED):
        return _tried(function, low, high)
    if not monotonic:
        raise QcompressError(f"it is not known to be monotonic, and {span + 1} codes are too many to try")
    found = _bisected(function, low, high)
    if near:
        _check_near(function, found, low, high, near)
    return found


def _check_near(function: Function, found: Staircase, low: Codes, high: Codes, near: int) -> None:
    """All channels at once; one that has fewer steps tries its smallest code again."""
    rows = [
        np.clip(steps[:, None] + np.arange(-near, near), *ends).ravel()
        for steps, ends in zip(found.thresholds, np.stack([low, high], axis=1).tolist(), strict=True)
    ]
    codes = np.tile(low, (max(len(row) for row in rows), 1))
    for channel, row in enumerate(rows):
        codes[: len(row), channel] = row
    if (function(codes) != found.at(codes)).any():
        raise QcompressError("float32 makes it step up and down next to a threshold")


def _tried(function: Function, low: Codes, high: Codes) -> Staircase:
    """Every code of every channel."""
    codes = np.minimum(low + np.arange(int((high - low).max()) + 1)[:, None], high)
    values = function(codes)
    steps = [np.flatnonzero(row[1:] != row[:-1]) + 1 for row in values.T]
    return Staircase(
        [codes[at, channel] for channel, at in enumerate(steps)],
        [values[np.append(0, at), channel] for channel, at in enumerate(steps)],
    )


class _Open(NamedTuple):
    """Intervals in which a function steps: codes of both ends, values there, the channel."""

    low: Codes
    high: Codes
    below: Values
    above: Values
    channel: Codes

    def where(self, chosen: Codes) -> "_Open":
        low, high, below, above, channel = self
        return _Open(low[chosen], high[chosen], below[chosen], above[chosen], channel[chosen])

    @classmethod
    def joined(cls, parts: "list[_Open]") -> "_Open":
        codes = [np.concatenate([part[at] for part in parts]).astype(np.int64) for at in (0, 1, 4)]
        values = [np.concatenate([part[at] for part in parts]).astype(np.float64) for at in (2, 3)]
        return cls(codes[0], codes[1], values[0], values[1], codes[2])


def _bisected(function: Function, low: Codes, high: Codes) -> Staircase:
    """All intervals are halved together, until each is a pair of neighbours."""
    first, last = function(low[None])[0], function(high[None])[0]
    waiting = _Open(low, high, first, last, np.arange(len(low)))
    found: list[_Open] = []
    while True:
        waiting = waiting.where(np.flatnonzero(waiting.below != waiting.above))
        neighbours = waiting.high - waiting.low == 1
        found.append(waiting.where(np.flatnonzero(neighbours)))
        waiting = waiting.where(np.flatnonzero(~neighbours))
        if not len(waiting.low):
            break
        if len(waiting.low) + sum(len(part.low) for part in found) > MOST_STEPS:
            raise QcompressError(f"it has more than {MOST_STEPS} steps: quantize more coarsely")
        middle = waiting.low + (waiting.high - waiting.low) // 2
        value = _by_channel(function, middle, waiting.channel, low)
        left = waiting._replace(high=middle, above=value)
        right = waiting._replace(low=middle, below=value)
        waiting = _Open.joined([left, right])
    steps = _Open.joined(found)
    steps = steps.where(np.lexsort((steps.high, steps.channel)))
    ends = np.searchsorted(steps.channel, np.arange(len(low) + 1))
    rows = [slice(start, stop) for start, stop in pairwise(ends.tolist())]
    return Staircase(
        [steps.high[row] for row in rows],
        [np.append(first[channel], steps.above[row]) for channel, row in enumerate(rows)],
    )


def _by_channel(function: Function, codes: Codes, channel: Codes, filling: Codes) -> Values:
    """Values of codes (n,) of these channels, as few rows as there are codes of one channel."""
    order = np.argsort(channel, kind="stable")
    counts = np.bincount(channel, minlength=len(filling))
    place = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = np.tile(filling, (int(counts.max()), 1))
    rows[place, channel[order]] = codes[order]
    values = np.empty(len(codes))
    values[order] = function(rows)[place, channel[order]]
    return values
