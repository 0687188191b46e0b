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
    """y's quantiles in bins [edge, next edge) of x, the last one closed; x, y (n,), x outside the edges is left out."""
    given, measured, bounds = (np.asarray(a, np.float64) for a in (x, y, edges))
    index = np.searchsorted(bounds, given, side="right") - 1
    index[given == bounds[-1]] = len(bounds) - 2
    bins = [measured[index == number] for number in range(len(bounds) - 1)]
    quantiles = np.array([np.quantile(b, [0.5, 0.16, 0.84]) if len(b) else [np.nan] * 3 for b in bins])
    median, low, high = quantiles.T
    return Profile(bounds, median, low, high, np.array([len(b) for b in bins], np.int64))


def histogram_profile(counts: npt.NDArray[np.int64], edges: npt.ArrayLike, y_edges: npt.ArrayLike) -> Profile:
    """The same of entries counted in bins of both: counts (bins, y bins), edges (bins + 1,), y_edges (y bins + 1,).

    Quantiles are as if entries were spread evenly within a bin of y.
    """
    rows = [_quantiles(row, np.asarray(y_edges, np.float64), (0.5, 0.16, 0.84)) for row in counts]
    median, low, high = np.array(rows).T
    return Profile(np.asarray(edges, np.float64), median, low, high, counts.sum(axis=1))


def histogram_median(counts: npt.NDArray[np.int64], edges: npt.ArrayLike) -> float:
    """Median of entries counted in bins, counts (bins,), edges (bins + 1,), as if even within a bin.

    NaN without entries.
    """
    return float(_quantiles(counts, np.asarray(edges, np.float64), (0.5,))[0])


def _quantiles(counts: npt.NDArray[np.int64], edges: Values, wanted: tuple[float, ...]) -> Values:
    if not counts.any():
        return np.full(len(wanted), np.nan)
    below = np.concatenate([[0], np.cumsum(counts)])
    place = np.asarray(wanted) * below[-1]
    bins = np.searchsorted(below, place, side="right") - 1
    bins = np.minimum(bins, np.flatnonzero(counts)[-1])
    return np.asarray(edges[bins] + (place - below[bins]) / counts[bins] * (edges[bins + 1] - edges[bins]))
