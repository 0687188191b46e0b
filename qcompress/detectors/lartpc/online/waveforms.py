"""What every algorithm takes: codes of channels, checked; which channels are dead or saturated."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError

Codes = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]
MOST_BITS = 15
"""Codes of more bits are refused: differences and filters are computed in 16 and 32 bits."""


class Condition(NamedTuple):
    """State of channels: dead (channels,), saturated (channels,), samples at an end of the range (channels,)."""

    dead: Mask
    saturated: Mask
    at_ends: npt.NDArray[np.int64]

    @property
    def masked(self) -> Mask:
        """Channels that no algorithm should look at, (channels,)."""
        return self.dead | self.saturated

    def __str__(self) -> str:
        return (
            f"{len(self.dead)} channels: {int(self.dead.sum())} dead, {int(self.saturated.sum())} saturated, both "
            f"masked; {int(self.at_ends.sum())} samples at an end of the range"
        )


def checked(codes: npt.ArrayLike) -> Codes:
    """`codes` (channels, ticks) as contiguous uint16.

    Raises QcompressError for another shape, for what are no whole numbers, and for codes outside of 15 bits.
    """
    given: npt.NDArray[Any] = np.asarray(codes)
    if given.ndim != 2 or given.shape[1] < 1:
        raise QcompressError(f"codes are (channels, ticks), not of shape {given.shape}")
    if given.dtype.kind not in "iu":
        raise QcompressError(f"codes are whole numbers, not {given.dtype}; digitise them first")
    if given.size and (given.max() >> MOST_BITS or given.min() < 0):
        outside = (given < 0) | (given >> MOST_BITS != 0)
        channel, tick = (int(k) for k in np.unravel_index(int(outside.argmax()), given.shape))
        raise QcompressError(
            f"channel {channel}, tick {tick}: code {given[channel, tick]} is outside of {MOST_BITS} bits; "
            f"{int(outside.sum())} such codes"
        )
    return np.ascontiguousarray(given, np.uint16)


def condition(codes: npt.ArrayLike, bits: int, most_at_ends: float = 0.01) -> Condition:
    """State of the channels of `codes` (channels, ticks).

    bits: of the converters. A channel is dead if all its codes are the same, saturated if more than `most_at_ends`, a
    share, of its codes are 0 or the highest. Raises QcompressError for codes that no such converter gives.
    """
    given = checked(codes)
    if given.max(initial=0) >> bits:
        raise QcompressError(f"code {given.max()} among those of converters of {bits} bits; say how many they have")
    ends = ((given == 0) | (given == (1 << bits) - 1)).sum(axis=1)
    dead = given.min(axis=1) == given.max(axis=1)
    return Condition(dead, ~dead & (ends > most_at_ends * given.shape[1]), ends)
