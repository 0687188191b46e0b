"""The compiled loops of the difference code: bits, the highest of a byte first."""

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def put(room, at, value, length):  # type: ignore[no-untyped-def]
    """`length` bits of a value at bit `at`; where the next bit is."""
    for k in range(length - 1, -1, -1):
        if at & 7 == 0:
            room[at >> 3] = 0
        if (value >> np.uint64(k)) & np.uint64(1):
            room[at >> 3] |= 128 >> (at & 7)
        at += 1
    return at


@numba.njit(nogil=True, cache=True)
def encode(codes, words, lengths, reach, room):  # type: ignore[no-untyped-def]
    """How many bits a channel has; written into `room`."""
    escape = 2 * reach + 1
    at = put(room, 0, np.uint64(codes[0]), 16)
    for tick in range(1, len(codes)):
        difference = np.int64(codes[tick]) - np.int64(codes[tick - 1])
        place = difference + reach if -reach <= difference <= reach else escape
        at = put(room, at, words[place], lengths[place])
        if place == escape:
            at = put(room, at, np.uint64(codes[tick]), 16)
    return at


@numba.njit(nogil=True, cache=True)
def take(data, at, bits, length):  # type: ignore[no-untyped-def]
    """`length` bits at bit `at`; -1 if they go beyond the last."""
    if at + length > bits:
        return np.int64(-1)
    value = np.int64(0)
    for k in range(at, at + length):
        value = 2 * value + ((data[k >> 3] >> (7 - (k & 7))) & 1)
    return value


@numba.njit(nogil=True, cache=True)
def decode(data, bits, order, counts, reach, codes):  # type: ignore[no-untyped-def]
    """How many bits were read for the codes of a channel, -1 if the bits are none of it."""
    last = take(data, 0, bits, 16)
    if last < 0:
        return -1
    codes[0], at = last, 16
    for tick in range(1, len(codes)):
        word, first, before, length = np.int64(0), np.int64(0), np.int64(0), 0
        while True:
            length += 1
            bit = take(data, at, bits, 1)
            if bit < 0 or length >= len(counts):
                return -1
            at += 1
            word, first = 2 * word + bit, 2 * first
            if word - first < counts[length]:
                break
            before += counts[length]
            first += counts[length]
        place = order[before + word - first]
        if place <= 2 * reach:
            last += place - reach
        else:
            last = take(data, at, bits, 16)
            at += 16
            if last < 0:
                return -1
        if last < 0 or last >> 16:
            return -1
        codes[tick] = last
    return at
