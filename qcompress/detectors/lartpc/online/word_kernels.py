"""The compiled loops of the fixed Huffman code."""

import numba
import numpy as np

_FLAG, _PAYLOAD, _RUN = 1 << 15, 15, 4


@numba.njit(nogil=True, cache=True)
def _difference(codes, tick):  # type: ignore[no-untyped-def]
    return np.int64(codes[tick]) - np.int64(codes[tick - 1])


@numba.njit(nogil=True, cache=True)
def encode(codes, words):  # type: ignore[no-untyped-def]
    """How many words a channel's codes need; written into `words`."""
    ticks, count, used, word = len(codes), 1, 0, 0
    words[0] = codes[0]
    tick = 1
    while tick < ticks:
        difference = _difference(codes, tick)
        length, step = 0, 1
        if difference == 0:
            length = 2
            if tick + _RUN <= ticks:
                same = True
                for k in range(1, _RUN):
                    same &= codes[tick + k] == codes[tick]
                if same:
                    length, step = 1, _RUN
        elif -3 <= difference <= 3:
            length = 2 * abs(difference) + (1 if difference > 0 else 2)
        if used and (length == 0 or used + length > _PAYLOAD):
            words[count] = _FLAG | word
            count, used, word = count + 1, 0, 0
        if length:
            used += length
            word |= 1 << (_PAYLOAD - used)
        else:
            words[count] = codes[tick]
            count += 1
        tick += step
    if used:
        words[count] = _FLAG | word
        count += 1
    return count


@numba.njit(nogil=True, cache=True)
def decode(words, codes):  # type: ignore[no-untyped-def]
    """How many codes the words hold, counted to one more than there is room for; -1 if the first word is none.

    Those that have room are in `codes`.
    """
    room, count, last = len(codes), 0, np.int64(0)
    for position in range(len(words)):
        word = np.int64(words[position])
        if not word & _FLAG:
            last = word
            if count >= room:
                return room + 1
            codes[count] = last
            count += 1
            continue
        if position == 0:
            return -1
        zeros = 0
        for bit in range(_PAYLOAD - 1, -1, -1):
            if not (word >> bit) & 1:
                zeros += 1
                continue
            times = _RUN if zeros == 0 else 1
            if zeros > 1:
                last += zeros // 2 if zeros % 2 == 0 else -(zeros // 2)
            if count + times > room:
                return room + 1
            for _ in range(times):
                codes[count] = last
                count += 1
            zeros = 0
    return count
