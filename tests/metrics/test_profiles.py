"""Profiles: bins, quantiles, empty bins."""

import numpy as np

from qcompress.metrics.profiles import profile


def test_quantiles_entries_and_edges():
    x = np.array([0, 0.5, 0.999, 1, 2, 2, 3])
    y = np.array([10, 20, 30, 5, 7, 9, 8])
    got = profile(x, y, [0, 1, 2, 3, 4])
    assert got.entries.tolist() == [3, 1, 2, 1]
    assert got.median.tolist() == [20, 5, 8, 8]
    np.testing.assert_allclose(got.low[0], np.quantile([10, 20, 30], 0.16))
    np.testing.assert_allclose(got.high[0], np.quantile([10, 20, 30], 0.84))


def test_the_last_bin_is_closed_and_what_lies_outside_is_left_out():
    got = profile([-1, 2, 2.5], [1, 2, 3], [0, 1, 2])
    assert got.entries.tolist() == [0, 1]
    assert np.isnan(got.median[0])
    assert got.median[1] == 2
