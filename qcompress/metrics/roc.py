"""The curve of a classifier's true against its false positives, and the area below it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values


class Roc(NamedTuple):
    """Rates from (0, 0) to (1, 1), one point for each distinct score; equal scores pass together."""

    false_positive: Values
    true_positive: Values

    @property
    def auc(self) -> float:
        """Area below the curve: how often a positive outscores a negative, ties counted as half."""
        return float(np.trapezoid(self.true_positive, self.false_positive))


def roc(scores: npt.ArrayLike, positive: npt.ArrayLike) -> Roc:
    """scores (n,), larger for positives; positive (n,) bool. Raises QcompressError unless both kinds are there."""
    given, truth = np.asarray(scores, np.float64), np.asarray(positive, np.bool_)
    if not truth.any() or truth.all():
        raise QcompressError("a ROC curve needs positives and negatives")
    order = np.argsort(-given, kind="stable")
    last = np.append(np.flatnonzero(np.diff(given[order])), len(given) - 1)  # of each group of equal scores
    hits = np.cumsum(truth[order])[last]
    misses = last + 1 - hits
    rates = (np.concatenate([[0], counts]) / counts[-1] for counts in (misses, hits))
    return Roc(*rates)
