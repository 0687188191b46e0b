"""Hits: those of a plain twin on random samples; where two pulses are divided; faults."""

import numpy as np
import pytest
from helpers import lartpc_twin
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompress.detectors.lartpc.online import hits
from qcompress.errors import QcompressError


def found(rows, threshold, dip):
    return list(zip(*(column.tolist() for column in hits.find(rows, threshold, dip)), strict=True))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.integers(-2, 12), min_size=25, max_size=25), min_size=1, max_size=3),
    st.integers(0, 5), st.integers(0, 4),
)  # fmt: skip
def test_hits_are_those_of_the_twin(rows, threshold, dip):
    expected = [(channel, *hit) for channel, row in enumerate(rows) for hit in lartpc_twin.hits(row, threshold, dip)]
    assert found(rows, threshold, dip) == expected


def test_two_pulses_are_divided_at_the_lowest_sample_between_them():
    row = [0, 3, 9, 14, 9, 4, 4, 10, 12, 3, 0]
    assert found([row], 2, 5) == [
        (0, 1, 5, 3, 14, 35, 0 * 3 + 9 + 2 * 14 + 3 * 9),
        (0, 5, 10, 8, 12, 33, 4 + 20 + 36 + 12),
    ]
    assert [hit[1:3] for hit in found([row], 2, 8)] == [(1, 10)]


def test_more_hits_than_there_was_room_for_are_all_found():
    rows = np.tile([0, 5], (2, 4000))
    assert len(hits.find(rows, 2, 1).channel) == 8000


def test_what_is_no_sample_is_refused():
    with pytest.raises(QcompressError, match="not float64 of shape"):
        hits.find(np.zeros((2, 2)), 1, 1)
    with pytest.raises(QcompressError, match="threshold -1, dip 0"):
        hits.find(np.zeros((2, 2), int), -1, 0)
