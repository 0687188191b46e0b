"""Earth mover's distance between rows of non-negative weights.

EMD(x, y) = min_f sum_ij f_ij c_ij with row sums x / sum x, column sums y / sum y, f >= 0: an exact linear programme,
solved row by row in compiled code on all cores. Where the cost is a metric on one set of places, mass that is on both
sides need not move: only the differences are transported, which changes nothing in the result.
"""

import os

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values
from qcompress.threads import kernel_pool

EMPTY_INPUT = -1.0
EMPTY_OUTPUT = -0.5
ROWS = 500
"""Rows that a thread takes at a time."""


def emd(x: npt.ArrayLike, y: npt.ArrayLike, cost: npt.ArrayLike) -> Values:
    """Weights x (n, a), y (n, b), cost (a, b) of moving a unit -> distance (n,) of each row, float64, in units of cost.

    Rows are normalised to 1: their scale does not matter. A row with nothing in x gives -1, one with nothing in y only
    -0.5. Raises QcompressError for negative or non-finite weights or costs and for shapes that do not fit.
    """
    given, got, costs = (np.ascontiguousarray(a, np.float64) for a in (x, y, cost))
    if given.ndim != 2 or got.ndim != 2 or len(given) != len(got) or costs.shape != (given.shape[1], got.shape[1]):
        raise QcompressError(f"EMD of shapes {given.shape} and {got.shape} with a cost of shape {costs.shape}")
    for what, weights in (("weights of x", given), ("weights of y", got), ("costs", costs)):
        bad = ~np.isfinite(weights) | (weights < 0)
        if bad.any():
            raise QcompressError(f"EMD: {int(bad.sum())} {what} are negative or not finite")
    sums_x, sums_y = given.sum(axis=1), got.sum(axis=1)
    result = np.where(sums_x <= 0, EMPTY_INPUT, np.where(sums_y <= 0, EMPTY_OUTPUT, 0.0))
    rows = np.flatnonzero((sums_x > 0) & (sums_y > 0))
    if len(rows):
        p, q = given[rows] / sums_x[rows, None], got[rows] / sums_y[rows, None]
        result[rows] = _distances(p, q, costs)
    return result


def _distances(p: Values, q: Values, cost: Values) -> Values:
    """Of rows of sum 1, pieces of them in threads; every row by itself, so that the pieces do not matter."""
    from qcompress.metrics import transport
    from qcompress.metrics.first_basis import arcs

    result, cancel, ordered = np.empty(len(p)), is_metric(cost), arcs(cost)

    def solve(first: int) -> None:
        piece = slice(first, first + ROWS)
        transport.distances(p[piece], q[piece], cost, ordered, cancel, result[piece])

    with kernel_pool(os.cpu_count()) as pool:
        list(pool.map(solve, range(0, len(p), ROWS)))
    return result


def is_metric(cost: Values) -> bool:
    """Whether cost (n, n) is that of one set of places: symmetric, zero to themselves, no detour cheaper.

    A triangle may be broken by the rounding of its sides: the error of a result is then no larger than that.
    """
    if cost.shape[0] != cost.shape[1] or np.any(np.diagonal(cost) != 0) or np.any(cost != cost.T):
        return False
    slack = 8 * np.finfo(np.float64).eps * cost.max(initial=0)
    return all(bool((cost <= cost[:, k, None] + cost[None, k] + slack).all()) for k in range(len(cost)))
