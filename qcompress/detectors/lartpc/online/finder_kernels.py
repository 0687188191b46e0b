"""The compiled loop of trigger primitives over channels."""

import numba
import numpy as np

from qcompress.detectors.lartpc.online.kernels import fir, hits, limits, pedestal, running_sum

_BLOCK = 1024
"""Ticks at a time: what is between the steps stays in the first cache."""


@numba.njit(nogil=True, cache=True)
def find(codes, state, masked, use_fir, use_sum, threshold, factor, taps, shift, shares, found):  # type: ignore[no-untyped-def]
    """How many primitives the channels of a frame have; as many as have room into `found`: channel, then of `hits`."""
    ticks = codes.shape[1]
    samples, filtered = np.empty(_BLOCK, np.int32), np.empty(_BLOCK, np.int32)
    moving = np.empty(_BLOCK, np.int32)
    count = 0
    for channel in range(len(codes)):
        if masked[channel]:
            continue
        row, own, before = codes[channel], state[channel], count
        for first in range(0, ticks, _BLOCK):
            part = row[first : first + _BLOCK]
            size = len(part)
            values, limit, cut = samples[:size], moving[:0], 0
            pedestal(part, own, samples[:size])
            if use_fir:
                limits(part, own, samples[:size], factor, moving[:size])
                fir(samples[:size], own, taps, filtered[:size])
                values, limit, cut = filtered[:size], moving[:size], shift
            elif use_sum:
                running_sum(samples[:size], own, shares[0], shares[1], filtered[:size])
                values = filtered[:size]
            count = hits(values, threshold, limit, cut, own, len(found), found[:, 1:], count)
        found[before:count, 0] = channel
    return count
