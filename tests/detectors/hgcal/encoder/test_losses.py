"""Losses against plain loops: the telescope over the published list of groups, the sliced EMD cell by cell."""

import itertools

import numpy as np
import pytest

from qcompress.detectors.hgcal.encoder import losses
from qcompress.detectors.hgcal.encoder.losses import telescope_loss
from qcompress.detectors.hgcal.module import geometry
from qcompress.frontends.qkeras import import_keras
from qcompress.metrics.emd import emd

# (cells, four times the weight) of the first third; the other two are 16 and 32 further on.
THIRD = "0 1 4 5 1.5; 2 3 6 7 1.3333333333333333; 8 9 12 13 2.25; 10 11 14 15 1.5; 4 5 8 9 1.5; 6 7 10 11 1; " + (
    "1 2 5 6 1; 9 10 13 14 1.5; 5 6 9 10 1"
)
ACROSS = (
    "0 1 27 31 1.5; 1 2 23 27 1; 2 3 19 23 1.6666666666666667; 3 7 34 35 1.6666666666666667; 7 11 33 34 1; "
    "11 15 32 33 1.5; 16 17 47 43 1.5; 17 18 43 39 1; 18 19 39 35 1.6666666666666667"
)


def plain_loop(target, predicted):
    def term(true, got):
        return (true - got) ** 2 * max(true, got)

    groups = []
    for shift in (0, 16, 32):
        for text in THIRD.split(";"):
            *cells, weight = text.split()
            groups.append(([int(c) + shift for c in cells], float(weight) / 4))
    for text in ACROSS.split(";"):
        *cells, weight = text.split()
        groups.append(([int(c) for c in cells], float(weight) / 4))
    cells = sum(term(t, p) for t, p in zip(target, predicted, strict=True)) / 48
    fours = sum(w * term(sum(target[c] for c in g), sum(predicted[c] for c in g)) for g, w in groups) / 36
    thirds = sum(term(sum(target[s : s + 16]), sum(predicted[s : s + 16])) for s in (0, 16, 32)) / 3
    return 4 * cells + 2 * fours + thirds


def loss(target, predicted):
    import_keras()
    import tensorflow as tf

    return telescope_loss(tf.constant(target, tf.float64), tf.constant(predicted, tf.float64)).numpy()


def test_equals_a_plain_loop():
    rng = np.random.default_rng(0)
    target, predicted = rng.gamma(0.3, 0.2, (2, 30, 48))
    expected = [plain_loop(t, p) for t, p in zip(target.tolist(), predicted.tolist(), strict=True)]
    np.testing.assert_allclose(loss(target, predicted), expected, rtol=1e-13)


def test_a_perfect_prediction_costs_nothing():
    target = np.random.default_rng(1).random((5, 48))
    assert (loss(target, target) == 0).all()


@pytest.mark.parametrize(("cell", "groups"), [(0, 1.5 + 1.5), (5, 1.5 + 1.5 + 1 + 1), (35, 4 / 3 + 5 / 3 + 5 / 3)])
def test_one_missed_cell_by_hand(cell, groups):
    target = np.zeros((1, 48))
    target[0, cell] = 1.0
    expected = 4 / 48 + 2 * groups / 4 / 36 + 1 / 3
    np.testing.assert_allclose(loss(target, np.zeros((1, 48))), [expected], rtol=1e-14)


def evaluated(function, target, predicted):
    import_keras()
    import tensorflow as tf

    return function(tf.constant(target, tf.float64), tf.constant(predicted, tf.float64)).numpy()


def test_weighted_square_equals_a_plain_loop():
    target, predicted = np.random.default_rng(4).gamma(0.3, 0.2, (2, 20, 48))
    expected = [
        sum((t - p) ** 2 * max(t, p) for t, p in zip(*row, strict=True)) / 48
        for row in zip(target.tolist(), predicted.tolist(), strict=True)
    ]
    np.testing.assert_allclose(evaluated(losses.weighted_square_loss, target, predicted), expected, rtol=1e-13)


def along(direction, p, q):
    """One-dimensional EMD of two sets of shares, by moving charge from gap to gap in order of place."""
    place = geometry.tc_xy() @ direction / geometry.FIELD_HALF_PITCH_CM
    order, carried, cost = np.argsort(place), 0.0, 0.0
    for here, after in itertools.pairwise(order):
        carried += p[here] - q[here]
        cost += abs(carried) * (place[after] - place[here])
    return cost


def test_sliced_emd_equals_a_plain_loop_and_stays_below_the_emd():
    target, predicted = np.random.default_rng(5).gamma(0.3, 0.2, (2, 20, 48))
    shares = [charges / charges.sum(axis=1, keepdims=True) for charges in (target, predicted)]
    angles = losses.SLICE_OFFSET + np.arange(losses.DIRECTIONS) * np.pi / losses.DIRECTIONS
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    expected = [np.mean([along(d, p, q) for d in directions]) for p, q in zip(*shares, strict=True)]
    sums = (target.sum(axis=1) - predicted.sum(axis=1)) ** 2
    found = evaluated(losses.sliced_emd_loss, target, predicted)
    np.testing.assert_allclose(found, np.array(expected) + sums, rtol=1e-12)
    exact = emd(target, predicted, geometry.emd_cost())
    assert (expected <= exact).all()
    assert np.corrcoef(expected, exact)[0, 1] > 0.9


def test_the_surrogate_adds_the_shares_that_moved_and_is_near_the_emd():
    rng = np.random.default_rng(7)
    target = rng.gamma(0.3, 0.2, (40, 48))
    predicted = target * rng.gamma(4, 0.25, (40, 48)) + rng.gamma(0.3, 0.02, (40, 48))
    shares = [charges / charges.sum(axis=1, keepdims=True) for charges in (target, predicted)]
    sums = (target.sum(axis=1) - predicted.sum(axis=1)) ** 2
    pairs = zip(*(each.tolist() for each in shares), strict=True)
    moved = np.array([sum(abs(p - q) for p, q in zip(*pair, strict=True)) for pair in pairs])
    sliced = evaluated(losses.sliced_emd_loss, target, predicted) - sums
    along, across = losses.SURROGATE
    found = evaluated(losses.emd_surrogate_loss, target, predicted)
    np.testing.assert_allclose(
        found, along * sliced + across * np.array(moved) + losses.SURROGATE_SUM * sums, rtol=1e-12
    )
    exact = emd(target, predicted, geometry.emd_cost())
    assert np.corrcoef(found, exact)[0, 1] > max(0.97, np.corrcoef(sliced, exact)[0, 1])


def test_sliced_emd_of_a_masked_module_is_its_sum_alone():
    predicted = np.random.default_rng(6).random((3, 48))
    found = evaluated(losses.sliced_emd_loss, np.zeros((3, 48)), predicted)
    np.testing.assert_allclose(found, predicted.sum(axis=1) ** 2)
