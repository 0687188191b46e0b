"""Errors by the bootstrap against the formula of a mean."""

import numpy as np
import pytest

from qcompress.metrics.bootstrap import over_events


def test_the_error_of_a_ratio_is_that_of_its_events():
    rng = np.random.default_rng(1)
    total = np.full(400, 50.0)
    counts = np.column_stack([rng.binomial(50, 0.3, 400), total])
    value, error = over_events(counts, lambda sums: sums[..., :1] / sums[..., 1:], resamples=2000)
    assert value[0] == counts[:, 0].sum() / counts[:, 1].sum()
    assert error[0] == pytest.approx(np.sqrt(0.3 * 0.7 / 50 / 400), rel=0.1)


def test_one_event_has_no_error():
    value, error = over_events(np.array([[3.0, 4.0]]), lambda sums: sums[..., :1] / sums[..., 1:])
    assert value == [0.75]
    assert np.isnan(error).all()


def test_a_share_of_nothing_is_no_number():
    value, error = over_events(np.zeros((3, 2)), lambda sums: sums[..., :1] / sums[..., 1:])
    assert np.isnan(value).all()
    assert np.isnan(error).all()
