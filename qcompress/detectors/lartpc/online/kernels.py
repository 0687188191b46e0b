"""The compiled loops of pedestals, filters and trigger primitives; imported only where they run.

A row of `state` is a channel: columns by name below. All integers; nothing overflows 64 bits.
"""

import numba
import numpy as np

MEDIAN, MEDIAN_SUM, LOW, LOW_SUM, HIGH, HIGH_SUM, RUNNING, RUNNING_MEDIAN, RUNNING_SUM = range(9)
HISTORY = 9
"""First of the six samples before the frame, the latest first."""
TIME, LENGTH, START, PEAK_TIME, PEAK, TOTAL = range(15, 21)
"""Ticks seen; of the hit that is open, of length 0 if none is."""
COLUMNS = 21
_BLOCK = 64
PATIENCE = 10
"""A pedestal moves by one when so many more samples than this were on one side."""


@numba.njit(nogil=True, cache=True)
def _frugal(estimate, balance, sample, counts=True):  # type: ignore[no-untyped-def]
    """An estimate and its balance after a sample, if that counts: one step towards where more samples lie."""
    balance += counts & (sample > estimate)
    balance -= counts & (sample < estimate)
    up, down = balance > PATIENCE, balance < -PATIENCE
    return estimate + up - down, balance * (1 - (up | down))


@numba.njit(nogil=True, cache=True)
def pedestal(codes, state, found):  # type: ignore[no-untyped-def]
    """Codes of a channel less its frugal median, which each sample moves before it is taken off."""
    estimate, balance = np.int32(state[MEDIAN]), np.int32(state[MEDIAN_SUM])
    for tick in range(len(codes)):
        sample = np.int32(codes[tick])
        estimate, balance = _frugal(estimate, balance, sample)
        found[tick] = sample - estimate
    state[MEDIAN], state[MEDIAN_SUM] = estimate, balance


@numba.njit(nogil=True, cache=True)
def limits(codes, state, samples, factor, found):  # type: ignore[no-untyped-def]
    """Factor times the distance of the quartiles: medians of the codes below and above the median."""
    low, low_sum = np.int32(state[LOW]), np.int32(state[LOW_SUM])
    high, high_sum = np.int32(state[HIGH]), np.int32(state[HIGH_SUM])
    for tick in range(len(codes)):
        code, sample = np.int32(codes[tick]), samples[tick]
        low, low_sum = _frugal(low, low_sum, code, sample < 0)
        high, high_sum = _frugal(high, high_sum, code, sample > 0)
        found[tick] = factor * (high - low)
    state[LOW], state[LOW_SUM], state[HIGH], state[HIGH_SUM] = low, low_sum, high, high_sum


@numba.njit(nogil=True, cache=True)
def fir(samples, state, taps, found):  # type: ignore[no-untyped-def]
    """Samples through a filter of 7 taps, the first one of the latest sample."""
    ticks = len(samples)
    longer = np.empty(ticks + 6, np.int32)
    for k in range(6):
        longer[5 - k] = state[HISTORY + k]
    longer[6:] = samples
    found[:] = 0
    for k in range(7):
        tap, earlier = taps[k], longer[6 - k : 6 - k + ticks]
        for tick in range(ticks):
            found[tick] += tap * earlier[tick]
    for k in range(6):
        state[HISTORY + k] = longer[ticks + 5 - k]


@numba.njit(nogil=True, cache=True)
def running_sum(samples, state, kept, added, found):  # type: ignore[no-untyped-def]
    """Leaky sum of the absolute samples, less its own frugal median; tenths are cut off before they are multiplied."""
    ten, total = np.uint32(10), np.uint32(state[RUNNING])  # divided without a sign: a product and a shift
    estimate, balance = np.int32(state[RUNNING_MEDIAN]), np.int32(state[RUNNING_SUM])
    for tick in range(len(samples)):
        total = np.uint32(kept * (total // ten) + added * (np.uint32(abs(samples[tick])) // ten))
        estimate, balance = _frugal(estimate, balance, np.int32(total))
        found[tick] = np.int32(total) - estimate
    state[RUNNING], state[RUNNING_MEDIAN], state[RUNNING_SUM] = total, estimate, balance


@numba.njit(nogil=True, cache=True)
def _quiet(values, limit, moving):  # type: ignore[no-untyped-def]
    """Whether no value is above its limit."""
    most = np.int32(-1)
    if len(moving):
        for tick in range(len(values)):
            most = max(most, values[tick] - moving[tick] - 1)
    else:
        for tick in range(len(values)):
            most = max(most, values[tick] - limit - 1)
    return most < 0


@numba.njit(nogil=True, cache=True)
def hits(values, limit, moving, shift, state, room, found, count):  # type: ignore[no-untyped-def]
    """Runs of values above the limit that end in the frame; how many there are now in `found`, of `room` rows.

    limit: one for all ticks, or `moving`, one for each, if that is not empty. Peak and sum are of values >> shift.
    """
    time, length = state[TIME], state[LENGTH]
    for first in range(0, len(values), _BLOCK):
        last = min(first + _BLOCK, len(values))
        if length == 0 and _quiet(values[first:last], np.int32(limit), moving[first:last]):
            continue
        for tick in range(first, last):
            value = np.int64(values[tick])
            if value > (moving[tick] if len(moving) else limit):
                size = value >> shift
                if length == 0:
                    state[START], state[TOTAL] = time + tick, 0
                if length == 0 or size > state[PEAK]:
                    state[PEAK], state[PEAK_TIME] = size, time + tick
                length += 1
                state[TOTAL] += size
            elif length:
                if count < room:
                    found[count, 0], found[count, 1] = state[START], length
                    found[count, 2], found[count, 3], found[count, 4] = state[PEAK_TIME], state[PEAK], state[TOTAL]
                count += 1
                length = 0
    state[TIME], state[LENGTH] = time + len(values), length
    return count
