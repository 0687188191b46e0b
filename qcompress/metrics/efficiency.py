"""Efficiencies with binomial intervals."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values

CONFIDENCE = 0.6827
"""Of an interval: that of one standard deviation."""


class Efficiency(NamedTuple):
    """passed / total with the ends of its interval; NaN where total is 0, the interval then is 0 to 1."""

    value: Values
    low: Values
    high: Values


def efficiency(passed: npt.ArrayLike, total: npt.ArrayLike, confidence: float = CONFIDENCE) -> Efficiency:
    """Counts passed of total, of any one shape -> efficiencies with Clopper and Pearson's interval at `confidence`.

    Biometrika 26, 404 (1934).

    The ends are quantiles of beta distributions; the interval holds the truth at least as often as `confidence` says.
    Raises QcompressError where more passed than there were.
    """
    from scipy.stats import beta

    k, n = (np.asarray(given, np.float64) for given in (passed, total))
    if (k < 0).any() or (k > n).any():
        raise QcompressError("an efficiency counts what passed among all: 0 <= passed <= total")
    tail = (1 - confidence) / 2
    value = np.divide(k, n, out=np.full(np.broadcast(k, n).shape, np.nan), where=n > 0)
    low = np.where(k > 0, beta.ppf(tail, np.maximum(k, 1), n - k + 1), 0.0)
    high = np.where(k < n, beta.ppf(1 - tail, k + 1, np.maximum(n - k, 1)), 1.0)
    return Efficiency(value, low, high)
