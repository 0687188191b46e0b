"""Scores of windows: efficiencies at equal fakes, by clean peak, errors by drawing events again."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.roi import results


def scored(seed=1, windows=4000):
    """Half of the windows are signal, two sigma above the noise in the logit; sizes say nothing."""
    rng = np.random.default_rng(seed)
    signal = np.arange(windows) % 2 == 1
    peak = np.where(signal, rng.choice([3.0, 10.0, 50.0], windows), 1.0)
    logit = rng.normal(0, 1, windows) + 2 * signal
    return results.Scored(np.arange(windows) // 100, peak, logit, rng.normal(0, 1, windows), np.ones(windows))


def test_at_most_the_share_of_fakes_lies_above_the_bound():
    values = np.arange(1000.0)
    assert (values > results.bound(values, 0.01)).sum() == 9
    assert (values > results.bound(values, 0)).sum() == 0
    assert (values > results.bound(np.zeros(10), 0.5)).mean() > 0.99  # equal values pass or fail together


def test_efficiencies_are_those_of_two_gaussians():
    """One sided: 2.33 sigma at 1 % fakes, so 2 - 2.33 = -0.33 sigma of signal, 37 %."""
    found = scored()
    assert results.efficiency(found, found.logit, 0.01) == pytest.approx(0.37, abs=0.05)
    assert results.efficiency(found, found.size, 0.1) == pytest.approx(0.1, abs=0.03)
    assert 0.003 < results.errors(found, found.logit, 0.1) < 0.03


def test_differences_are_of_the_same_events_so_what_both_share_adds_no_error():
    found = scored()
    assert results.difference(found, found.logit, found.logit, 0.1) == (0, 0)
    near = found.logit + np.random.default_rng(2).normal(0, 0.05, len(found.logit))
    less, error = results.difference(found, near, found.logit, 0.1)
    assert abs(less) < 0.02
    assert 0 < error < results.errors(found, found.logit, 0.1) / 2
    more, apart = results.difference(found, found.logit, found.size, 0.1)
    both = [results.errors(found, values, 0.1) for values in (found.logit, found.size)]
    assert more > 0.5
    assert apart == pytest.approx(np.hypot(*both), rel=0.3)


def test_tables_have_a_line_for_each_point_and_count_all_windows_of_signal():
    found = scored()
    table = results.operating_table(found, 0.5)
    assert [line[1] for line in table.rows[1:]] == [0.1, 1, 3, 10]
    assert table.rows[0][1] == pytest.approx(50, abs=3)
    by_peak = results.peak_table(found)
    assert sum(line[1] for line in by_peak.rows) == found.signal.sum()
    assert [line[1] for line in by_peak.rows if line[1] == 0] == [0, 0, 0]


def test_a_window_stands_for_those_of_its_kind_in_the_scan():
    """Windows of 200 ticks every 150 of 500 ticks: from 0, 150, 300."""
    clean = np.zeros((4, 500), np.float32)
    clean[0, 160], clean[1, 499] = 5, -4  # in two windows, in one
    assert results.weights(clean, 12, np.array([5.0, 1.0, 0.0], np.float32)).tolist() == [3, 4.5, 4.5]
    assert results.weights(4 * clean, 14, np.array([5.0], np.float32)).tolist() == [3]
