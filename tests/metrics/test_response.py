"""Response: figures by hand, errors against their formulae, empty sets."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcompress.errors import QcompressError
from qcompress.metrics.response import effective_rms, figures, response, response_profile


def test_figures_of_four_values_by_hand():
    got = figures([1.0, 2.0, 3.0, 6.0])
    assert got.mean == 3.0
    assert got.rms == pytest.approx(math.sqrt(14 / 4), rel=1e-15)
    assert got.rms_over_mean == pytest.approx(math.sqrt(14 / 4) / 3, rel=1e-15)
    assert got.effective_rms == 1.0  # three of four values are 68 % or more: 1 to 3


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=30))
def test_the_shortest_interval_is_the_best_of_all_pairs(numbers):
    values = np.array(numbers, float)
    wanted = math.ceil(round(0.68 * len(values), 9))
    best = min(
        high - low
        for low in values
        for high in values
        if high >= low and ((values >= low) & (values <= high)).sum() >= wanted
    )
    assert effective_rms(values) == best / 2


def test_effective_rms_of_a_gaussian_is_its_sigma_and_does_not_see_tails():
    values = np.random.default_rng(1).normal(1, 0.1, 100_000)
    assert effective_rms(values) == pytest.approx(0.1 * 0.9945, rel=0.01)  # 68 %, not 68.27 %
    tails = np.append(values, np.full(1000, 9.0))
    assert effective_rms(tails) == pytest.approx(0.1, rel=0.03)
    assert figures(tails).rms > 0.5


def test_errors_of_a_gaussian_follow_their_formulae():
    n = 2000
    values = np.random.default_rng(2).normal(1, 0.1, n)
    got = response(values, 3, 400)
    assert got.error.mean == pytest.approx(0.1 / math.sqrt(n), rel=0.12)
    assert got.error.rms == pytest.approx(0.1 / math.sqrt(2 * n), rel=0.15)
    assert got.error.rms_over_mean == pytest.approx(0.1 / math.sqrt(2 * n), rel=0.15)
    assert 0 < got.error.effective_rms < 0.01


def test_same_seed_same_bits_whatever_the_order():
    values = np.random.default_rng(4).normal(1, 0.1, 300)
    assert response(values, 5) == response(values[::-1], 5)
    assert response(values, 5).error != response(values, 6).error


def test_what_is_not_determined_is_not_a_number():
    empty, one = response([], 1), response([0.9], 1)
    assert (empty.entries, one.entries, one.value.mean) == (0, 1, 0.9)
    assert all(map(math.isnan, [*empty.value, *empty.error, *one.value[1:], *one.error]))
    assert math.isnan(figures([-1.0, 1.0]).rms_over_mean)


def test_bins_are_half_open_the_last_closed_the_empty_empty():
    got = response_profile([0, 0.5, 1, 2, 4, 5, -1], [1, 3, 5, 7, 9, 11, 13], [0, 1, 2, 3, 4], 1)
    assert [b.entries for b in got.bins] == [2, 1, 1, 1]
    mean, error = got.column("mean")
    assert mean.tolist() == [2, 5, 7, 9]
    assert np.isfinite(error).tolist() == [True, False, False, False]
    hole = response_profile([0.5, 2.5], [1, 1], [0, 1, 2, 3], 1)
    assert np.isnan(hole.column("mean")[0]).tolist() == [False, True, False]


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(QcompressError, match="2 of 3 values are not finite"):
        response([1.0, math.nan, math.inf], 1)
