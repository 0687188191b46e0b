"""A classical rule: a hit is a track's where the lit cells around it lie on a line.

Principal components of the lit cells within a reach of it: the smaller variance over the larger one. Reach and cut are
those that are best on training images.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

REACHES = (3, 5, 7, 9, 12)
"""Cells on each side that are tried; 2.5 cm are five cells of 0.5 cm."""


class Rule(NamedTuple):
    """The place of a reach among REACHES, and the ratio up to which hits are tracks'."""

    place: int
    cut: float


def window_sums(image: npt.NDArray[np.float64], reach: int) -> npt.NDArray[np.float64]:
    """Sum of an image (rows, columns) over windows of 2 reach + 1 cells a side around every cell."""
    padded = np.pad(image, ((reach + 1, reach), (reach + 1, reach)))
    total = padded.cumsum(axis=0).cumsum(axis=1)
    side = 2 * reach + 1
    return np.asarray(total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side])


def spread(
    shape: tuple[int, int], row: npt.NDArray[np.int64], column: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Smaller over larger variance (n, REACHES) of the lit cells around each lit cell; 1 where there is no other.

    shape: rows and columns of the image; row, column (n,): its lit cells.
    """
    lit = np.zeros(shape)
    lit[row, column] = 1
    rows, columns = np.indices(shape, dtype=np.float64)
    moments = (lit, lit * rows, lit * columns, lit * rows**2, lit * columns**2, lit * rows * columns)
    return np.stack([_ratio(*(window_sums(image, reach)[row, column] for image in moments)) for reach in REACHES], 1)


def _ratio(*moments: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Smaller over larger variance of points: their number, sums of rows, columns, their squares and products."""
    n, r, c, rr, cc, rc = moments
    var_r, var_c, cov = rr / n - (r / n) ** 2, cc / n - (c / n) ** 2, rc / n - r * c / n**2
    mean, half = (var_r + var_c) / 2, np.sqrt(np.maximum(((var_r - var_c) / 2) ** 2 + cov**2, 0))
    larger = mean + half
    return np.where(larger > 1e-9, np.maximum(mean - half, 0) / np.maximum(larger, 1e-9), 1.0)


def best_cut(ratio: npt.NDArray[np.float64], track: npt.NDArray[np.bool_]) -> float:
    """The ratio below which hits are called tracks for the best balanced accuracy; ratio, track (n,): of hits."""
    order = np.argsort(ratio, kind="stable")
    tracks, showers = np.cumsum(track[order]), np.cumsum(~track[order])
    gain = tracks / max(tracks[-1], 1) - showers / max(showers[-1], 1)
    return float(ratio[order][int(gain.argmax())])


def best_rule(ratios: npt.NDArray[np.float64], track: npt.NDArray[np.bool_]) -> Rule:
    """The reach and the cut of the best balanced accuracy; ratios (n, REACHES), track (n,): of hits."""
    rules = [Rule(place, best_cut(ratios[:, place], track)) for place in range(len(REACHES))]

    def balanced(rule: Rule) -> float:
        told = ratios[:, rule.place] <= rule.cut
        return float(told[track].sum() / max(track.sum(), 1) - told[~track].sum() / max((~track).sum(), 1))

    return max(rules, key=balanced)
