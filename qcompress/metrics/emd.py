"""Earth mover's distance between rows of non-negative weights.

EMD(x, y) = min_f sum_ij f_ij c_ij with row sums x / sum x, column sums y / sum y, f >= 0: an exact linear
programme, solved by the network simplex of POT (Flamary et al., JMLR 22 (2021) 78).
"""

import os

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values

EMPTY_INPUT = -1.0
EMPTY_OUTPUT = -0.5


def emd(x: npt.ArrayLike, y: npt.ArrayLike, cost: npt.ArrayLike) -> Values:
    """x (n, a), y (n, b), cost (a, b) -> (n,), in units of cost; scale-free.

    A row with nothing in x gives -1, one with nothing in y only -0.5. Raises QcompressError for negative or
    non-finite weights and for shapes that do not fit.
    """
    for backend in ("TENSORFLOW", "PYTORCH", "JAX", "CUPY"):
        os.environ.setdefault(f"POT_BACKEND_DISABLE_{backend}", "1")
    import ot

    given, got, costs = (np.ascontiguousarray(a, np.float64) for a in (x, y, cost))
    if given.ndim != 2 or got.ndim != 2 or len(given) != len(got) or costs.shape != (given.shape[1], got.shape[1]):
        raise QcompressError(f"EMD of shapes {given.shape} and {got.shape} with a cost of shape {costs.shape}")
    for what, weights in (("x", given), ("y", got)):
        bad = ~np.isfinite(weights) | (weights < 0)
        if bad.any():
            raise QcompressError(f"EMD: {int(bad.sum())} weights of {what} are negative or not finite")
    sums_x, sums_y = given.sum(axis=1), got.sum(axis=1)
    result = np.where(sums_x <= 0, EMPTY_INPUT, np.where(sums_y <= 0, EMPTY_OUTPUT, 0.0))
    for row in np.flatnonzero((sums_x > 0) & (sums_y > 0)):
        p, q = given[row] / sums_x[row], got[row] / sums_y[row]
        value, log = ot.emd2(p, q, costs, log=True, numItermax=1_000_000)
        if log["warning"]:
            raise QcompressError(f"EMD: row {row}: {log['warning']}")
        result[row] = max(float(value), 0.0)
    return result
