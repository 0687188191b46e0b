"""A classical rule: a hit is a track's where the lit cells around it lie on a line.

Principal components of the lit cells within REACH cells of it: the smaller variance over the larger one.
"""

import numpy as np
import numpy.typing as npt

REACH = 5
"""Cells on each side; 2.5 cm of cells of 0.5 cm."""


def window_sums(image: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sum of an image (rows, columns) over windows of 2 REACH + 1 cells a side around every cell."""
    padded = np.pad(image, ((REACH + 1, REACH), (REACH + 1, REACH)))
    total = padded.cumsum(axis=0).cumsum(axis=1)
    side = 2 * REACH + 1
    return np.asarray(total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side])


def spread(
    shape: tuple[int, int], row: npt.NDArray[np.int64], column: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Smaller over larger variance (n,) of the lit cells around each lit cell; 1 where there is no other.

    shape: rows and columns of the image; row, column (n,): its lit cells.
    """
    lit = np.zeros(shape)
    lit[row, column] = 1
    rows, columns = np.indices(shape, dtype=np.float64)
    moments = (lit, lit * rows, lit * columns, lit * rows**2, lit * columns**2, lit * rows * columns)
    n, r, c, rr, cc, rc = (window_sums(image)[row, column] for image in moments)
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
