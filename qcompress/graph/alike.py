"""Rows of an array that are equal: most positions of an image see the same ranges, so a few stand for all."""

from typing import NamedTuple

import numpy as np

from qcompress.fixedpoint import Codes


class Alike(NamedTuple):
    """first: a row of every kind; kind: for every row the place of its kind in `first`."""

    first: Codes
    kind: Codes


def alike(rows: Codes) -> Alike:
    """Which rows (n, m) are equal.

    Rows are told apart by a random sum of 64 bits and then compared; should two different ones ever have one sum, they
    are sorted instead.
    """
    weights = np.random.default_rng(0).integers(1 << 63, size=rows.shape[1], dtype=np.uint64) * 2 + 1
    sums = rows.astype(np.uint64) @ weights.astype(np.uint64)
    _, first, kind = np.unique(sums, return_index=True, return_inverse=True)
    if not np.array_equal(rows[first][kind], rows):
        _, first, kind = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return Alike(first, kind.reshape(-1))
