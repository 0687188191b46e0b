"""Scores of hits, beside sums by hand."""

import numpy as np
import pytest

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.evaluation.hit_scores import balanced_difference, confusion, errors, scores

S, T, N = samples.SHOWER, samples.TRACK, samples.NOTHING


def test_scores_are_those_of_the_confusion():
    event = np.array([4, 4, 4, 4, 7, 7, 7, 7])
    true = np.array([S, S, T, T, T, T, T, S], "u1")
    decided = np.array([S, T, T, N, T, S, T, S])
    counts = confusion(event, true, decided)
    assert counts.tolist() == [[[0, 1, 1], [1, 0, 1]], [[0, 1, 0], [0, 1, 2]]]
    told = scores(counts)
    assert told.accuracy == 5 / 8
    assert told.shower == 2 / 3
    assert told.track == 3 / 5
    assert told.balanced == pytest.approx((2 / 3 + 3 / 5) / 2)
    assert told.shower_purity == 2 / 3
    assert told.track_purity == 3 / 4
    assert told.shower_iou == 2 / 4  # right, missed, and one track too many
    assert told.track_iou == 3 / 6
    weighted = confusion(event, true, decided, np.arange(8.0))
    assert weighted[0].tolist() == [[0, 0, 1], [3, 0, 2]]


def test_what_is_not_there_has_no_score():
    told = scores(confusion(np.zeros(2, int), np.array([T, T], "u1"), np.array([T, T])))
    assert told.track == 1
    assert np.isnan(told.shower)
    assert np.isnan(told.balanced)


def test_errors_are_those_of_events_not_of_hits():
    """Events of 100 hits that are all right or all wrong: the error of a share of 40 events, not of 4000 hits."""
    rng = np.random.default_rng(3)
    right = rng.random(40) < 0.7
    event, true = np.repeat(np.arange(40), 100), np.full(4000, T, "u1")
    told = errors(confusion(event, true, np.where(np.repeat(right, 100), T, S)))
    assert told.track == pytest.approx(np.sqrt(right.mean() * (1 - right.mean()) / 40), rel=0.2)


def test_a_difference_is_that_of_the_same_events():
    """Two that err on the same events differ by far less than each of them is known."""
    rng = np.random.default_rng(4)
    first = np.zeros((50, 2, 3))
    first[:, (0, 1), (1, 2)] = rng.integers(0, 100, (50, 2))
    first[:, (0, 1), (2, 1)] = 100 - first[:, (0, 1), (1, 2)]
    second = first.copy()
    second[:, 0, 1:] += np.array([-1, 1]) * np.minimum(first[:, 0, 1:2], 1)
    difference, error = balanced_difference(first, second)
    assert difference == pytest.approx(scores(first).balanced - scores(second).balanced)
    assert 0 < difference < 0.006
    assert error < errors(first).balanced / 5
    assert balanced_difference(first, first) == (0, 0)
