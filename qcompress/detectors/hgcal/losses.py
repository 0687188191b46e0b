"""The telescope loss (Ecoder, fastml-science): errors of trigger cells, of groups of 2x2, of thirds of the module."""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

WEIGHTS = (4.0, 2.0, 1.0)
"""Of the three scales: single cells, groups of four, thirds."""


def _groups() -> list[tuple[tuple[int, int, int, int], float]]:
    """The 36 overlapping 2x2 groups (train order) and four times their weights."""
    within = [
        ((0, 1, 4, 5), 1.5),
        ((2, 3, 6, 7), 4 / 3),
        ((8, 9, 12, 13), 2.25),
        ((10, 11, 14, 15), 1.5),
        ((4, 5, 8, 9), 1.5),
        ((6, 7, 10, 11), 1.0),
        ((1, 2, 5, 6), 1.0),
        ((9, 10, 13, 14), 1.5),
        ((5, 6, 9, 10), 1.0),
    ]
    across = [
        ((0, 1, 27, 31), 1.5),
        ((1, 2, 23, 27), 1.0),
        ((2, 3, 19, 23), 5 / 3),
        ((3, 7, 34, 35), 5 / 3),
        ((7, 11, 33, 34), 1.0),
        ((11, 15, 32, 33), 1.5),
        ((16, 17, 47, 43), 1.5),
        ((17, 18, 43, 39), 1.0),
        ((18, 19, 39, 35), 5 / 3),
    ]
    thirds = [((a + s, b + s, c + s, d + s), w) for s in (0, 16, 32) for (a, b, c, d), w in within]
    return thirds + across


@cache
def group_matrix() -> npt.NDArray[np.float64]:
    """(48, 36): 1 where a trigger cell belongs to a group."""
    matrix = np.zeros((48, 36))
    for column, (cells, _) in enumerate(_groups()):
        matrix[list(cells), column] = 1
    return matrix


@cache
def group_weights() -> npt.NDArray[np.float64]:
    """(36,): weight of each group."""
    return np.array([weight / 4 for _, weight in _groups()])


@cache
def third_matrix() -> npt.NDArray[np.float64]:
    """(48, 3): 1 where a trigger cell belongs to a third."""
    return np.asarray(np.kron(np.eye(3), np.ones((16, 1))), np.float64)


def telescope_loss(target: Any, predicted: Any) -> Any:
    """Loss of each row, (n,), of predicted against true normalised charges, (n, 48) in train order.

    4 mean[(t-p)^2 max(t,p)] over cells + 2 mean[(T-P)^2 max(T,P) w] over the 36 groups + mean[(T-P)^2 max(T,P)] over
    the three thirds. Computed in the dtype of `predicted`.
    """
    from keras import ops

    dtype = predicted.dtype
    target = ops.cast(target, dtype)
    groups, thirds = (ops.convert_to_tensor(m, dtype) for m in (group_matrix(), third_matrix()))
    scales = (
        _weighted_square(target, predicted),
        _weighted_square(ops.matmul(target, groups), ops.matmul(predicted, groups))
        * ops.convert_to_tensor(group_weights(), dtype),
        _weighted_square(ops.matmul(target, thirds), ops.matmul(predicted, thirds)),
    )
    return sum(weight * ops.mean(scale, axis=1) for weight, scale in zip(WEIGHTS, scales, strict=True))


def _weighted_square(target: Any, predicted: Any) -> Any:
    from keras import ops

    return ops.square(target - predicted) * ops.maximum(target, predicted)
