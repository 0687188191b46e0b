"""Charge that a frame gives as a sum of several trigger cells: how it is laid on them, off the detector.

Best choice and threshold sum send, beside their trigger cells, the sum of all others; super trigger cells send sums of
groups alone. The sum is spread equally over the cells that it is of, or a linear regression says what is expected in
each from everything that the frame says. It keeps sums, but where bits were dropped of every cell before they were
added, as best choice does: there it makes up for what they take away, on busy modules a tenth to a quarter of the rest.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from qcompress.fixedpoint import Codes, Values

NO_SUM = -1
ENOUGH = 1
"""Cells sent one by one from which on the sum of the others is spread: chosen on validation modules of electrons in
pile-up and of photons without, both counting alike (`campaigns/enough_cells.py`)."""
RIDGE = 1e-4
"""Added to the sum of squares of each feature, relative to the largest."""
TINY = float(np.finfo(np.float64).tiny)


class Sent(NamedTuple):
    """What n frames say. charge (n, 48): of the cells sent one by one, ADC counts, others 0; sums (n, k): of several.

    of_sum (n, 48): which of the sums has the cell's charge, NO_SUM for cells sent alone and for missing ones;
    whole_sums: nothing was dropped of cells before they were added.
    """

    charge: Values
    sums: Values
    of_sum: Codes
    whole_sums: bool

    @property
    def whole(self) -> Values:
        """All charge (n, 1)."""
        return np.asarray(self.charge.sum(axis=1, keepdims=True) + self.sums.sum(axis=1, keepdims=True))

    @property
    def features(self) -> Values:
        """Shares of the whole charge in every cell, every sum, the smallest cell sent, and a 1: (n, 48 + k + 2)."""
        sent = np.where(self.charge > 0, self.charge, np.inf).min(axis=1, keepdims=True)
        told = np.concatenate([self.charge, self.sums, np.where(np.isfinite(sent), sent, 0.0)], axis=1)
        return np.concatenate([told / np.maximum(self.whole, TINY), np.ones((len(told), 1))], axis=1)


@dataclass(frozen=True, eq=False)
class Regression:
    """Charges of cells, relative to the sum that has them, from everything that a frame says; kernel (48 + k + 2, 48).

    A factor for each cell of a sum, so that twice the sum is twice the charge if all else is the same.
    """

    kernel: Values

    def __call__(self, sent: Sent) -> Values:
        """Charges (n, 48) of all cells, none negative; spread equally where none of a sum is expected in any cell."""
        expected = np.maximum(sent.features @ self.kernel, 0.0)
        found = sent.charge.copy()
        for number in range(sent.sums.shape[1]):
            own = sent.of_sum == number
            part = np.where(own, expected, 0.0)
            none = ~part.any(axis=1)
            part[none] = own[none] / np.maximum(own[none].sum(axis=1, keepdims=True), 1)
            if sent.whole_sums:
                part /= np.maximum(part.sum(axis=1, keepdims=True), TINY)
            found += part * sent.sums[:, [number]]
        return found

    @classmethod
    def fitted(cls, sent: Sent, truth: Values) -> "Regression":
        """The regression of every cell's charge, as a share of the whole, over the modules where a sum has the cell.

        truth (n, 48): charges of the same modules, in the order of `sent`.
        """
        features, whole = sent.features, sent.whole[:, 0]
        arrived = whole > 0
        kernel = np.zeros((features.shape[1], truth.shape[1]))
        for cell in range(truth.shape[1]):
            rows = np.flatnonzero((sent.of_sum[:, cell] >= 0) & arrived)
            of_its_sum = sent.sums[rows, sent.of_sum[rows, cell]] / whole[rows]
            own = features[rows] * of_its_sum[:, None]
            squares = own.T @ own
            squares[np.diag_indices_from(squares)] += RIDGE * max(float(squares.max()), TINY)
            kernel[:, cell] = np.linalg.solve(squares, own.T @ (truth[rows, cell] / whole[rows]))
        return cls(kernel)


def spread_if_sent(sent: Sent, cells: int = ENOUGH) -> Values:
    """Charges (n, 48): sums shared equally in modules with so many `cells` sent one by one, lost in the others."""
    enough = np.count_nonzero(sent.charge, axis=1) >= cells
    return np.where(enough[:, None], spread_equally(sent), sent.charge)


def spread_equally(sent: Sent) -> Values:
    """Charges (n, 48) of all cells, every sum shared equally by those that it is of; what no cell has is lost."""
    found = sent.charge.copy()
    for number in range(sent.sums.shape[1]):
        own = sent.of_sum == number
        found += own * (sent.sums[:, [number]] / np.maximum(own.sum(axis=1, keepdims=True), 1))
    return found
