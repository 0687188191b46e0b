"""Products with constant weights, and their sums, as alkaid's arithmetic."""

from typing import Any

import numpy as np

from qcompress.fixedpoint import Codes, Format
from qcompress.graph import Linear

Variable = Any
"""alkaid's FVariable: a symbolic number that remembers how it was computed."""

Element = Variable | int
"""A symbolic number, or a constant as its code. Constants never enter alkaid, which casts some of them wrongly."""

SOLVER = {"binary_lut": False}
"""alkaid's tables for one-bit inputs assert on signed ones; adders serve both."""


class Products:
    """The products of a linear operation, without the bits below the accumulator's last; equal ones are built once."""

    def __init__(self, operation: Linear, given: Format) -> None:
        self.operation = operation
        self.shift = given.fraction + operation.kernel_format.fraction - operation.accumulator.fraction
        self.built: dict[tuple[int, int], Variable] = {}

    def of(self, terms: list[tuple[int, Variable]], matrix: Codes) -> list[list[Variable]]:
        """For each column of `matrix` (terms, channels) of weight codes, what of the `terms` is to be added up.

        Weights that are multiples of 2**shift lose no bits: alkaid multiplies by that part of the matrix at once.
        """
        whole = matrix & ((1 << max(self.shift, 0)) - 1) == 0
        parts = self._at_once([variable for _, variable in terms], np.where(whole, matrix, 0))
        for part, column in zip(parts, np.where(whole, 0, matrix).T, strict=True):
            part.extend(self._cut(term, int(weight)) for term, weight in zip(terms, column, strict=True) if weight)
        return parts

    def _at_once(self, variables: list[Variable], matrix: Codes) -> list[list[Variable]]:
        from alkaid.trace import FVArray

        used, channels = matrix.any(axis=1), matrix.any(axis=0)
        parts: list[list[Variable]] = [[] for _ in range(matrix.shape[1])]
        if channels.any():
            given = FVArray(np.array(variables, object)[used], SOLVER)
            found = np.asarray(given @ self.operation.kernel_format.to_values(matrix[used][:, channels]), object)
            for channel, variable in zip(np.flatnonzero(channels), found, strict=True):
                parts[channel].append(variable)
        return parts

    def _cut(self, term: tuple[int, Variable], weight: int) -> Variable:
        number, variable = term
        if (number, weight) not in self.built:
            product = variable * float(self.operation.kernel_format.to_values(weight))
            fraction = self.operation.accumulator.fraction
            integer = max(int(product.kif[1]), 1 - fraction)  # wide enough never to wrap
            self.built[number, weight] = product.quantize(True, integer, fraction)
        return self.built[number, weight]


def balanced_sum(parts: list[Variable]) -> Variable:
    """The sum of `parts`, as a balanced tree."""
    from alkaid.trace import FVArray

    return np.sum(FVArray(np.array(parts, object), SOLVER))
