"""Regions: equal to a twin that asks every tick, on random samples; masks; faults."""

import numpy as np
import pytest
from helpers import lartpc_twin
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompress.detectors.lartpc.online import regions
from qcompress.errors import QcompressError

ROWS = st.lists(st.lists(st.integers(-9, 9), min_size=30, max_size=30), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(0, 9), st.integers(0, 9), st.integers(0, 4))
def test_two_thresholds_keep_what_the_twin_keeps(rows, one, other, pad):
    high, low = max(one, other), min(one, other)
    found = regions.two_thresholds(rows, high, low, pad)
    expected = [lartpc_twin.kept(row, high, low, pad) for row in rows]
    mask = found.mask(len(rows), 30)
    assert mask.tolist() == expected
    assert found.kept() == mask.sum()
    apart = (found.channel[1:] != found.channel[:-1]) | (found.start[1:] > found.stop[:-1])
    assert apart.all()


def test_zero_suppression_keeps_neighbours_of_large_samples():
    samples = np.zeros((2, 100), int)
    samples[0, [30, 51]], samples[1, [3, 99]] = -6, 6
    found = regions.zero_suppress(samples, 5)
    assert [column.tolist() for column in found] == [[0, 1, 1], [20, 0, 89], [62, 14, 100]]
    assert regions.zero_suppress(samples, 6).kept() == 0
    assert regions.zero_suppress(samples, 5, masked=np.array([True, False])).channel.tolist() == [1, 1]


def test_pedestals_are_those_of_the_twin():
    rng = np.random.default_rng(3)
    codes = (900 + np.arange(2000) // 50 + rng.normal(0, 4, (3, 2000))).astype(np.uint16)
    expected = [[value for value, _ in lartpc_twin.values(row, "threshold", 0)] for row in codes]
    found = regions.subtracted(codes)
    assert found.tolist() == expected
    assert abs(found[:, 1000:].mean()) < 1.5  # it follows a drift of one count in 50 ticks
    assert regions.subtracted(codes, start=np.full(3, 700))[0, 0] == codes[0, 0] - 700


def test_what_is_no_sample_or_threshold_is_refused():
    for wrong, said in (
        ((np.zeros(4, int), 5, 5), r"samples are \(channels, ticks\), not of shape \(4,\)"),
        ((np.zeros((4, 3)), 5, 5), "samples are whole numbers, not float64"),
        ((np.zeros((4, 3), int), 5, 6), "thresholds 5, 6 and 10 ticks: 0 or more"),
        ((np.zeros((4, 3), int), -1, -1), "thresholds -1, -1"),
    ):
        with pytest.raises(QcompressError, match=said):
            regions.two_thresholds(*wrong)
