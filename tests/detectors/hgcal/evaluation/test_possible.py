"""Codecs that say what is possible: every bit helps, the same seed gives the same words, shares stay shares."""

import numpy as np
import pytest

from qcompress.detectors.hgcal.evaluation.possible import ResidualQuantizer, TransformCodec, as_shares


@pytest.fixture(scope="module")
def shares():
    """Two blobs of charge on a ring of 48 cells, and a little noise."""
    rng = np.random.default_rng(5)
    cells = np.arange(48)
    place, size = rng.uniform(0, 48, (3000, 2, 1)), rng.exponential(1, (3000, 2, 1))
    distance = np.abs((cells - place + 24) % 48 - 24)
    return as_shares((size * np.exp(-distance)).sum(axis=1) + rng.uniform(0, 1e-3, (3000, 48)))


def error(found, shares):
    return float(np.square(found - shares).sum(axis=1).mean())


def test_every_stage_leaves_less_and_shares_stay_shares(shares):
    fitted = ResidualQuantizer.fitted(shares[:2000], 3, seed=1)
    numbers = fitted.encode(shares[2000:])
    assert numbers.shape == (1000, 3)
    assert 0 <= numbers.min() <= numbers.max() < 1024
    decoded = [fitted.decode(numbers, stages) for stages in (1, 2, 3)]
    for found in decoded:
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1)
    errors = [error(found, shares[2000:]) for found in decoded]
    assert errors[0] > errors[1] > errors[2]
    assert errors[0] < 0.2 * error(np.broadcast_to(shares[:2000].mean(axis=0), decoded[0].shape), shares[2000:])
    again = ResidualQuantizer.fitted(shares[:2000], 3, seed=1)
    assert (again.words == fitted.words).all()


def test_bits_go_where_they_help_and_many_of_them_lose_nothing(shares):
    for bits in (0, 40, 80):
        codec = TransformCodec.fitted(shares[:2000], bits)
        assert codec.bits.sum() == bits
        assert (np.diff(codec.bits[np.argsort(codec.spread)]) >= 0).all()
    found = [
        error(TransformCodec.fitted(shares[:2000], bits)(shares[2000:]), shares[2000:]) for bits in (0, 40, 80, 800)
    ]
    assert found[0] > found[1] > found[2] > found[3]
    assert found[3] < 0.001 * found[0]  # what lies beyond the grids is left


def test_modules_without_charge_are_even():
    assert (as_shares(np.zeros((2, 48))) == 1 / 48).all()
