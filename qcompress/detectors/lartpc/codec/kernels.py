"""The compiled loops of the words of latents: bits, the highest of a byte first."""

import numba
import numpy as np

from qcompress.detectors.lartpc.online.bit_kernels import put, take


@numba.njit(nogil=True, cache=True)
def encode(latents, pedestal, order, room):  # type: ignore[no-untyped-def]
    """How many bits a wire has, latents (windows, count); written into `room`."""
    at = put(room, 0, np.uint64(pedestal), 16)
    for window in latents:
        at = put(room, at, np.uint64(window.any()), 1)
        if not window.any():
            continue
        for latent in window:
            value = (2 * latent - 1 if latent > 0 else -2 * latent) + (1 << order)
            length = 0
            while value >> length:
                length += 1
            at = put(room, at, np.uint64(0), length - order - 1)
            at = put(room, at, np.uint64(value), length)
    return at


@numba.njit(nogil=True, cache=True)
def decode(data, bits, order, latents, pedestal):  # type: ignore[no-untyped-def]
    """How many bits were read for the latents (windows, count) of a wire, -1 if the bits are none of it."""
    pedestal[0] = take(data, 0, bits, 16)
    if pedestal[0] < 0:
        return -1
    at = 16
    for window in latents:
        flag = take(data, at, bits, 1)
        if flag < 0:
            return -1
        at += 1
        window[:] = 0
        if not flag:
            continue
        for place in range(len(window)):
            length = order + 1
            while take(data, at, bits, 1) == 0:
                length, at = length + 1, at + 1
            value = take(data, at, bits, length)
            if value < 0 or length > 24:
                return -1
            at += length
            value -= 1 << order
            window[place] = (value + 1) >> 1 if value & 1 else -(value >> 1)
    return at
