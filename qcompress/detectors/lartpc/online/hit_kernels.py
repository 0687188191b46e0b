"""The compiled loop of the hit finder."""

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def _write(row, channel, start, stop, found, count):  # type: ignore[no-untyped-def]
    """One hit, if there is room; how many there are now."""
    if count < len(found):
        peak, at, total, moment = np.int64(row[start]), start, np.int64(0), np.int64(0)
        for tick in range(start, stop):
            if row[tick] > peak:
                peak, at = np.int64(row[tick]), tick
            total += row[tick]
            moment += np.int64(row[tick]) * (tick - start)
        found[count, 0], found[count, 1], found[count, 2], found[count, 3] = channel, start, stop, at
        found[count, 4], found[count, 5], found[count, 6] = peak, total, moment
    return count + 1


@numba.njit(nogil=True, cache=True)
def find(samples, threshold, dip, found):  # type: ignore[no-untyped-def]
    """How many hits there are; as many as have room into `found`: the columns of `Hits`.

    Within a run: the highest sample since the last division, and the lowest since that; when a sample is by more than
    `dip` above the lowest, and the highest is too, the run is divided at the lowest.
    """
    channels, ticks = samples.shape
    count = 0
    for channel in range(channels):
        row = samples[channel]
        start, high, low, valley = -1, 0, 0, 0
        for tick in range(ticks):
            x = row[tick]
            if x <= threshold:
                if start >= 0:
                    count = _write(row, channel, start, tick, found, count)
                start = -1
            elif start < 0:
                start, high, low, valley = tick, x, x, tick
            elif x - low > dip and high - low > dip:
                count = _write(row, channel, start, valley, found, count)
                start, high, low, valley = valley, x, x, tick
            elif x > high:
                high, low, valley = x, x, tick
            elif x < low:
                low, valley = x, tick
        if start >= 0:
            count = _write(row, channel, start, ticks, found, count)
    return count
