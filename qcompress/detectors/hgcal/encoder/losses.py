"""Losses of normalised charges: telescope (Ecoder, fastml-science), weighted mean square, sliced EMD, EMD surrogate.

The telescope sums errors of trigger cells, of groups of 2x2 and of thirds of the module. The sliced EMD is the mean of
one-dimensional transport distances along several directions (Bonneel et al., J. Math. Imaging Vis. 51 (2015) 22): none
of them exceeds the EMD. The surrogate adds what moves from cell to cell, by a regression of exact distances.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.module import geometry
from qcompress.frontends.keras_objects import Loss, Tensor

WEIGHTS = (4.0, 2.0, 1.0)
"""Of the three scales: single cells, groups of four, thirds."""
DIRECTIONS = 12
SLICE_OFFSET = np.pi / 31
"""No direction is then along a row of cells, where many would fall together."""
SMALLEST_SUM = 1e-6
SURROGATE = (1.17, 0.57)
"""Of the sliced EMD and of the shares that moved, which together are nearest to the EMD: campaigns/emd_surrogate.py."""
SURROGATE_SUM = 0.01
"""Of the squared error of the summed charge beside it."""


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


def telescope_loss(target: Tensor, predicted: Tensor) -> Tensor:
    """Loss of each row, (n,), of predicted against true normalised charges, `target`, (n, 48) in train order.

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


def _weighted_square(target: Tensor, predicted: Tensor) -> Tensor:
    from keras import ops

    return ops.square(target - predicted) * ops.maximum(target, predicted)


def weighted_square_loss(target: Tensor, predicted: Tensor) -> Tensor:
    """Loss of each row, (n,): mean over cells of (t-p)^2 max(t,p), the telescope's first scale alone.

    target, predicted: normalised charges (n, 48) in train order, t and p.
    """
    from keras import ops

    return ops.mean(_weighted_square(ops.cast(target, predicted.dtype), predicted), axis=1)


@cache
def slices() -> npt.NDArray[np.float64]:
    """(48, directions x 47): which cells lie before each gap along each direction, times the gap's width.

    The one-dimensional EMD of p and q along a direction is then the sum of |(p - q) @ columns|; units as in
    `geometry.emd_cost`, divided by the number of directions.
    """
    columns = []
    for angle in np.arange(DIRECTIONS) * np.pi / DIRECTIONS + SLICE_OFFSET:
        place = geometry.tc_xy() @ (np.cos(angle), np.sin(angle)) / geometry.FIELD_HALF_PITCH_CM
        order = np.argsort(place, kind="stable")
        before = np.argsort(order)[:, None] <= np.arange(len(place) - 1)
        columns.append(before * np.diff(place[order]))
    return np.concatenate(columns, axis=1) / DIRECTIONS


def sliced_emd_loss(target: Tensor, predicted: Tensor) -> Tensor:
    """Loss of each row, (n,): sliced EMD of the charge shares, and the squared error of the summed charge.

    target, predicted: normalised charges (n, 48) in train order. Rows without true charge cost their predicted sum
    squared alone.
    """
    return _of_shares(target, predicted, (1.0, 0.0), 1.0)


def emd_surrogate_loss(target: Tensor, predicted: Tensor) -> Tensor:
    """Loss of each row, (n,): near its EMD in half trigger-cell pitches; and a little of the sums' squared error.

    target, predicted: normalised charges (n, 48) in train order. Rows without true charge cost the second part alone.
    """
    return _of_shares(target, predicted, SURROGATE, SURROGATE_SUM)


def _of_shares(target: Tensor, predicted: Tensor, weights: tuple[float, float], of_sum: float) -> Tensor:
    """weights: of the sliced EMD, and of the shares that moved, sum |t - p|; of_sum: of the sums' squared error."""
    from keras import ops

    dtype = predicted.dtype
    target = ops.cast(target, dtype)
    true, found = (ops.sum(charges, axis=1, keepdims=True) for charges in (target, predicted))
    shares = target / ops.maximum(true, SMALLEST_SUM) - predicted / ops.maximum(found, SMALLEST_SUM)
    columns = weights[0] * slices()
    if weights[1]:
        columns = np.concatenate([columns, weights[1] * np.eye(len(columns))], axis=1)
    distance = ops.sum(ops.abs(ops.matmul(shares, ops.convert_to_tensor(columns, dtype))), axis=1)
    return ops.where(true[:, 0] > 0, distance, 0.0) + of_sum * ops.square(true - found)[:, 0]


LOSSES: dict[str, Loss] = {
    "telescope": telescope_loss,
    "weighted_mse": weighted_square_loss,
    "sliced_emd": sliced_emd_loss,
    "emd_surrogate": emd_surrogate_loss,
}
"""By the name that a config gives."""
