"""Profiles: median and central 68 % band of one quantity in bins of another."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Values


class Profile(NamedTuple):
    """Per bin: edges (bins + 1,), median, 16 % and 84 % quantiles (NaN where empty), number of entries."""

    edges: Values
    median: Values
    low: Values
    high: Values
    entries: npt.NDArray[np.int64]


def profile(x: npt.ArrayLike, y: npt.ArrayLike, edges: npt.ArrayLike) -> Profile:
    """x, y (n,): y's quantiles in bins [edge, next edge) of x, the last one closed."""
    given, measured, bounds = (np.asarray(a, np.float64) for a in (x, y, edges))
    index = np.searchsorted(bounds, given, side="right") - 1
    index[given == bounds[-1]] = len(bounds) - 2
    bins = [measured[index == number] for number in range(len(bounds) - 1)]
    quantiles = np.array([np.quantile(b, [0.5, 0.16, 0.84]) if len(b) else [np.nan] * 3 for b in bins])
    median, low, high = quantiles.T
    return Profile(bounds, median, low, high, np.array([len(b) for b in bins], np.int64))
