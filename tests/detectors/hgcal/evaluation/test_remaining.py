"""Sums of several cells laid on them: kept, never where they do not belong, learned where something can be learned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcompress.detectors.hgcal.evaluation.remaining import NO_SUM, Regression, Sent, spread_equally


def frames(seed, rows, sums=2, whole_sums=True):
    rng = np.random.default_rng(seed)
    of_sum = rng.integers(NO_SUM, sums, (rows, 48))
    charge = np.where(of_sum == NO_SUM, rng.integers(0, 50, (rows, 48)), 0).astype(float)
    return Sent(charge, rng.integers(0, 1000, (rows, sums)).astype(float), of_sum, whole_sums)


@given(st.integers(0, 2**32))
def test_sums_stay_and_cells_that_were_sent_too(seed):
    sent = frames(seed, 3)
    kernel = np.random.default_rng(seed).normal(0, 1, (sent.features.shape[1], 48))
    for found in (spread_equally(sent), Regression(kernel)(sent)):
        assert (found >= 0).all()
        assert (found[sent.of_sum == NO_SUM] == sent.charge[sent.of_sum == NO_SUM]).all()
        for number in range(2):
            own = (sent.of_sum == number).any(axis=1)
            got = np.where(sent.of_sum == number, found, 0).sum(axis=1)
            np.testing.assert_allclose(got[own], sent.sums[own, number], rtol=1e-12)
    alone = spread_equally(sent)
    for row in range(3):
        for number in range(2):
            assert len(np.unique(alone[row, sent.of_sum[row] == number])) <= 1


def test_a_sum_of_no_cell_is_lost_and_one_that_is_expected_nowhere_is_spread():
    sent = Sent(np.zeros((1, 48)), np.array([[8.0, 5.0]]), np.where(np.arange(48) < 4, 0, NO_SUM)[None], True)
    nothing = Regression(np.zeros((48 + 2 + 2, 48)))
    for found in (spread_equally(sent), nothing(sent)):
        assert found[0, :5].tolist() == [2, 2, 2, 2, 0]
        assert found.sum() == 8


@pytest.mark.parametrize("whole_sums", [True, False])
def test_what_decides_where_a_rest_lies_is_found(whole_sums):
    """The rest lies beside the largest cell; and where sums lost a fifth of it, that comes back if they may grow."""
    rng = np.random.default_rng(1)
    hot = rng.integers(0, 47, 20_000)
    truth = np.full((20_000, 48), 1.0)
    truth[np.arange(20_000), hot], truth[np.arange(20_000), hot + 1] = 100, 40
    of_sum = np.zeros(truth.shape, np.int64)
    of_sum[np.arange(20_000), hot] = NO_SUM
    rest = np.where(of_sum == 0, truth, 0).sum(axis=1, keepdims=True)
    sent = Sent(np.where(of_sum == 0, 0, truth), rest * (1 if whole_sums else 0.8), of_sum, whole_sums)
    found = Regression.fitted(sent, truth)(sent)
    assert np.abs(found - truth).mean() < 0.1 * np.abs(spread_equally(sent) - truth).mean()
    np.testing.assert_allclose(found.sum(axis=1), truth.sum(axis=1), rtol=0.01)


def test_modules_that_sent_nothing_teach_nothing():
    sent, rng = frames(3, 200), np.random.default_rng(3)
    silent = Sent(sent.charge * 0, sent.sums * 0, sent.of_sum, True)
    both = Sent(*(np.concatenate(pair) for pair in zip(sent[:3], silent[:3], strict=True)), True)
    truth = rng.integers(0, 1000, (400, 48)).astype(float)
    assert (Regression.fitted(both, truth).kernel == Regression.fitted(sent, truth[:200]).kernel).all()
