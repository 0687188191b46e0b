"""Elements at any places as a matrix of ones and zeros, as small as their pattern allows."""

from math import prod
from typing import NamedTuple

import numpy as np

from qcompress.fixedpoint import Codes, Format
from qcompress.graph import Dense, Gather, Shape

MOST_PICKED = 1 << 14
"""Weights of such a matrix, which g++ and HLS have to take in."""


class Picked(NamedTuple):
    """Elements as (before, size, behind), of which those at `pick` are taken along the axis in the middle.

    pick: (taken,), -1 for a zero.
    """

    before: int
    size: int
    behind: int
    pick: Codes

    def dense(self, given: Format) -> Dense:
        """The picking as an operation on the last axis; given: format of the elements, which stay as they are."""
        kernel = np.zeros((self.size, self.pick.size), np.int64)
        taken = np.flatnonzero(self.pick >= 0)
        kernel[self.pick[taken], taken] = 1
        one = Format(False, 1, 1)
        return Dense(kernel, one, np.zeros(self.pick.size, np.int64), one, given)


def picked(operation: Gather, shape: Shape) -> Picked:
    """What `operation` does to rows of `shape`, with the longest pieces that stay together and the most repetitions."""
    which, size = operation.indices(shape).ravel(), prod(shape)
    behind = max(length for length in _common_divisors(which.size, size) if _in_pieces(which, length))
    pieces = which.reshape(-1, behind)[:, 0]
    places = np.where(pieces < 0, -1, pieces // behind)
    size //= behind
    before = max(count for count in _common_divisors(places.size, size) if _repeats(places, count, size // count))
    return Picked(before, size // before, behind, places[: places.size // before])


def _common_divisors(a: int, b: int) -> list[int]:
    common = int(np.gcd(a, b))
    return [n for n in range(1, common + 1) if common % n == 0]


def _in_pieces(which: Codes, length: int) -> bool:
    """Whether every `length` places take neighbours, beginning at a multiple of it, or zeros."""
    pieces = which.reshape(-1, length)
    first = pieces[:, :1]
    expected = np.where(first < 0, -1, first + np.arange(length))
    return bool(((first < 0) | (first % length == 0)).all() and np.array_equal(expected, pieces))


def _repeats(places: Codes, count: int, size: int) -> bool:
    """Whether `count` parts of the places do in each `size` elements what the first one does."""
    parts = places.reshape(count, -1)
    steps = np.arange(count)[:, None] * size
    return bool(np.array_equal(np.where(parts[0] < 0, -1, parts[0] + steps), parts) and parts[0].max() < size)
