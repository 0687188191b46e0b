"""EMD: cases that geometry fixes, an independent linear programme, conventions for empty rows."""

import numpy as np
import pytest
from scipy.optimize import linprog

from qcompress.errors import QcompressError
from qcompress.metrics.emd import emd

PLACES = np.random.default_rng(0).random((6, 2))
COST = np.linalg.norm(PLACES[:, None] - PLACES[None], axis=2)


def linear_programme(x, y, cost):
    a, b = cost.shape
    rows = np.kron(np.eye(a), np.ones(b))
    columns = np.kron(np.ones(a), np.eye(b))
    solved = linprog(cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([x / x.sum(), y / y.sum()]))
    return solved.fun


def test_equals_a_linear_programme():
    rng = np.random.default_rng(1)
    x, y = rng.gamma(0.5, 1, (20, 6)), rng.gamma(0.5, 1, (20, 4))
    expected = [linear_programme(p, q, COST[:, :4]) for p, q in zip(x, y, strict=True)]
    np.testing.assert_allclose(emd(x, y, COST[:, :4]), expected, atol=1e-9)


def test_one_cell_to_another_costs_their_distance():
    x, y = np.eye(6)[[0, 3]], np.eye(6)[[4, 3]]
    np.testing.assert_allclose(emd(x, y, COST), [COST[0, 4], 0])


def test_is_scale_free_symmetric_and_zero_for_equal_rows():
    x, y = np.random.default_rng(2).gamma(0.3, 1, (2, 40, 6))
    assert (emd(x, x, COST) == 0).all()
    np.testing.assert_allclose(emd(7 * x, y / 3, COST), emd(x, y, COST), rtol=1e-12)
    np.testing.assert_allclose(emd(y, x, COST), emd(x, y, COST), rtol=1e-12)


def test_empty_rows_have_their_own_values():
    zero, one = np.zeros(6), np.eye(6)[0]
    assert emd([zero, one, zero], [one, zero, zero], COST).tolist() == [-1.0, -0.5, -1.0]


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.ones((2, 6)), np.ones((3, 6)), r"shapes \(2, 6\) and \(3, 6\)"),
        (np.ones((2, 5)), np.ones((2, 6)), "with a cost of shape"),
        (-np.ones((2, 6)), np.ones((2, 6)), "12 weights of x"),
        (np.ones((2, 6)), np.full((2, 6), np.nan), "12 weights of y"),
    ],
)
def test_what_is_no_distribution_is_a_fault(x, y, message):
    with pytest.raises(QcompressError, match=message):
        emd(x, y, COST)
