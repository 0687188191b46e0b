"""EMD: cases that geometry fixes, an independent linear programme, conventions for empty rows."""

import numpy as np
import pytest
from scipy.optimize import linprog

from qcompress.errors import QcompressError
from qcompress.metrics.emd import emd, is_metric

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


def pot(x, y, cost):
    import ot

    return np.array([ot.emd2(p / p.sum(), q / q.sum(), cost, numItermax=1_000_000) for p, q in zip(x, y, strict=True)])


def assert_equals_pot(x, y, cost):
    found, wanted = emd(x, y, cost), pot(x, y, cost)
    bound = 1e-12 * np.maximum(wanted, cost.max())
    assert (np.abs(found - wanted) <= bound).all(), np.abs(found - wanted).max()


def module_rows(rng, count):
    """Pairs of modules as they occur: sparse, dense, nearly equal, with ties, single cells."""
    from qcompress.detectors.hgcal.module.geometry import emd_cost

    shape = (count, 48)
    x = rng.gamma(0.5, 100, shape) * (rng.random(shape) < 0.25)
    y = rng.gamma(0.5, 100, shape) * (rng.random(shape) < rng.random((count, 1)))
    y[::5] = x[::5] * (1 + 1e-3 * rng.random((len(x[::5]), 48)))
    x[1::5], y[1::5] = np.rint(x[1::5] / 100), np.rint(y[1::5] / 100)  # ties
    x[2::50], y[2::50] = np.eye(48)[rng.integers(0, 48, (2, len(x[2::50])))]
    x[:, 0] += x.sum(axis=1) == 0
    y[:, 1] += y.sum(axis=1) == 0
    return x, y, emd_cost()


def test_equals_pot_on_modules():
    assert_equals_pot(*module_rows(np.random.default_rng(5), 1500))


@pytest.mark.campaign
def test_equals_pot_on_a_hundred_thousand_modules():
    rng = np.random.default_rng(6)
    for _ in range(50):
        assert_equals_pot(*module_rows(rng, 2000))


@pytest.mark.parametrize("step", [8, pytest.param(1, marks=pytest.mark.campaign)])
def test_equals_pot_on_real_modules(data_file, step):
    from qcompress.detectors.hgcal.econt.words import read_words
    from qcompress.detectors.hgcal.evaluation.algorithms import CHIP, decoded
    from qcompress.detectors.hgcal.module.geometry import channels_to_train, emd_cost

    (words,) = read_words(data_file("econt/mcDataset/testInput.csv"), "lsb", 4000)
    codes = words.codes[::step]
    given = {"codes": codes, "eta": np.full(len(codes), 2.4)}
    x = channels_to_train(decoded("uncompressed", given))
    for y in (channels_to_train(decoded(name, given)) for name in CHIP):
        rows = y.sum(axis=1) > 0
        assert_equals_pot(x[rows], y[rows].astype(float), emd_cost())


def test_costs_that_are_no_metric_and_other_supports():
    rng = np.random.default_rng(7)
    x, y = rng.gamma(0.5, 1, (300, 9)), rng.gamma(0.5, 1, (300, 9))
    squared = np.square(PLACES[:, None] - PLACES[None]).sum(axis=2)
    assert is_metric(COST)
    assert not is_metric(squared)
    assert not is_metric(COST[:, :4])
    assert not is_metric(COST + np.eye(6))
    assert_equals_pot(x[:, :6], y[:, :6], squared)
    wide = rng.random((9, 5))
    assert_equals_pot(x, y[:, :5], wide)
    assert_equals_pot(x[:, :5], y, wide.T)


def test_pieces_and_order_of_rows_do_not_matter(monkeypatch):
    x, y, cost = module_rows(np.random.default_rng(8), 400)
    whole = emd(x, y, cost)
    monkeypatch.setattr("qcompress.metrics.emd.ROWS", 7)
    assert (emd(x, y, cost) == whole).all()
    assert (emd(x[::-1], y[::-1], cost)[::-1] == whole).all()
    assert emd(np.zeros((0, 48)), np.zeros((0, 48)), cost).shape == (0,)
