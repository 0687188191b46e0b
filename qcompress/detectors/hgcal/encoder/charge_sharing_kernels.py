"""The compiled loop of `decoding`: integers shared out by largest remainders, row by row."""

import numba
import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@numba.njit(nogil=True, cache=True)
def share_out(weights: Values, totals: Integers, scale: float) -> Integers:
    """`decoding.shared_out`; weights are taken to whole parts of 1/scale of the largest one of their row."""
    rows, columns = weights.shape
    shared = np.zeros((rows, columns), np.int64)
    grid, remainders = np.empty(columns, np.int64), np.empty(columns, np.int64)
    for i in range(rows):
        largest = weights[i].max()
        if largest <= 0:
            continue
        for j in range(columns):
            grid[j] = np.int64(np.rint(weights[i, j] / largest * scale))
        whole, missing = grid.sum(), totals[i]
        for j in range(columns):
            shared[i, j] = totals[i] * grid[j] // whole
            remainders[j] = shared[i, j] * whole - totals[i] * grid[j]
            missing -= shared[i, j]
        for j in np.argsort(remainders, kind="mergesort")[:missing]:  # stable: the first of equal ones
            shared[i, j] += 1
    return shared
