"""Matching of truth and maxima: every rule by hand, and against a plain search."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompress.detectors.tpc.networks.labels import RINGS, Places, match, offsets


def places(*given: tuple[int, float, float]) -> Places:
    row, pad, time = np.array(given, np.float64).reshape(-1, 3).T
    return Places(row.astype(int), pad, time)


def matched(maxima: Places, truth: Places, looper: tuple[int, ...] = (), lost: tuple[int, ...] = ()):
    number = np.arange(len(truth.row))
    return match(maxima, truth, np.isin(number, looper), ~np.isin(number, lost))


def test_the_label_counts_clusters_not_loopers() -> None:
    maxima = places((5, 10, 20), (5, 30, 20), (5, 50, 20), (6, 10, 20))
    truth = places((5, 10.2, 20), (5, 10.9, 21), (5, 30, 22), (5, 50, 19.6), (5, 49, 20))
    found = matched(maxima, truth, looper=(2, 4))
    assert found.label.tolist() == [2, 0, 1, -1]
    assert found.maximum.tolist() == [0, 0, 1, 2, 2]
    assert found.loopers.tolist() == [0, 1, 1, 0]
    assert found.cluster.tolist() == [0, -1, 3, -1]
    assert found.noise.tolist() == [False, False, False, True]


def test_what_is_not_findable_takes_nothing() -> None:
    found = matched(places((5, 10, 20)), places((5, 10, 20)), lost=(0,))
    assert (found.label[0], found.maximum[0], found.in_reach[0]) == (-1, -1, False)


def test_the_first_ring_wins_then_the_nearest() -> None:
    assert matched(places((0, 12, 20), (0, 10, 21)), places((0, 10.4, 20))).maximum.tolist() == [1]
    assert matched(places((0, 9, 20), (0, 11, 20)), places((0, 10.1, 20))).maximum.tolist() == [1]
    assert matched(places((0, 9, 20), (0, 11, 20)), places((0, 10, 20))).maximum.tolist() == [0]


def test_a_second_maximum_near_a_cluster_is_a_clone() -> None:
    found = matched(places((0, 10, 20), (0, 12, 20), (0, 13, 20)), places((0, 10, 20)))
    assert found.label.tolist() == [1, 0, -1]
    assert found.clones.tolist() == [False, True, False]


def test_rows_and_ends_do_not_touch() -> None:
    assert matched(places((1, 0, 0)), places((0, 140, 0), (1, -1, -1), (1, 3, 0))).maximum.tolist() == [-1, 0, -1]


def test_without_maxima_or_truth() -> None:
    assert matched(places(), places((0, 1, 1))).maximum.tolist() == [-1]
    assert matched(places((0, 1, 1)), places()).label.tolist() == [-1]


CELL = st.tuples(st.integers(0, 1), st.integers(0, 7), st.integers(0, 7))
CENTRE = st.tuples(st.integers(0, 1), st.floats(0, 7), st.floats(0, 7))


@settings(deadline=None)
@given(st.lists(CELL, unique=True, max_size=12), st.lists(CENTRE, max_size=12), st.sets(st.integers(0, 11)))
def test_as_a_plain_search_finds_it(cells, centres, loopers) -> None:
    found = matched(places(*cells), places(*centres), tuple(loopers))
    expected = []
    for row, pad, time in centres:
        here = (np.floor(pad + 0.5), np.floor(time + 0.5))
        near = [
            (RINGS.index(away), np.hypot(p - pad, t - time), (p, t), n)
            for n, (r, p, t) in enumerate(cells)
            if r == row and (away := (p - here[0]) ** 2 + (t - here[1]) ** 2) in RINGS
        ]
        expected.append(min(near)[3] if near else -1)
    assert found.maximum.tolist() == expected
    for n in range(len(cells)):
        own = [k for k, m in enumerate(expected) if m == n]
        assert found.clusters[n] == sum(k not in loopers for k in own)
        assert found.loopers[n] == sum(k in loopers for k in own)


def test_rings_cover_five_by_five_cells() -> None:
    assert sorted(place for ring in RINGS for place in offsets(ring)) == [
        (dpad, dtime) for dpad in range(-2, 3) for dtime in range(-2, 3)
    ]
