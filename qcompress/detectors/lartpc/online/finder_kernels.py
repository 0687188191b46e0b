"""The compiled loop of trigger primitives over channels."""

import numba
import numpy as np

from qcompress.detectors.lartpc.online.kernels import fir, hits, limits, pedestal, running_sum


@numba.njit(nogil=True, cache=True)
def find(codes, state, masked, use_fir, use_sum, threshold, factor, taps, shift, shares, found):  # type: ignore[no-untyped-def]
    """How many primitives the channels of a frame have; as many as have room into `found`: channel, then of `hits`."""
    ticks = codes.shape[1]
    samples, filtered = np.empty(ticks, np.int32), np.empty(ticks, np.int32)
    moving = np.empty(ticks if use_fir else 0, np.int64)
    count = 0
    for channel in range(len(codes)):
        if masked[channel]:
            continue
        own, values, cut = state[channel], samples, 0
        pedestal(codes[channel], own, samples)
        if use_fir:
            limits(codes[channel], own, samples, factor, moving)
            fir(samples, own, taps, filtered)
            values, cut = filtered, shift
        elif use_sum:
            running_sum(samples, own, shares[0], shares[1], filtered)
            values = filtered
        before = count
        count = hits(values, threshold, moving, cut, own, len(found), found[:, 1:], count)
        found[before:count, 0] = channel
    return count
