"""The classical rule: principal components of the lit cells around a hit."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.evaluation.straightness import REACHES, best_cut, best_rule, spread


def test_variances_are_those_of_the_neighbours():
    rng = np.random.default_rng(2)
    cells = np.unique(rng.integers(0, 40, (150, 2)), axis=0)
    found = spread((40, 40), cells[:, 0], cells[:, 1])
    for place, reach in enumerate(REACHES):
        for k, cell in enumerate(cells):
            near = cells[(np.abs(cells - cell) <= reach).all(axis=1)]
            if len(near) == 1:
                assert found[k, place] == 1
                continue
            small, large = np.linalg.eigvalsh(np.cov(near.T, bias=True))
            assert found[k, place] == pytest.approx(max(small, 0) / large, abs=1e-6)


def test_lines_are_straight_and_blobs_are_not():
    line = np.arange(30)
    assert spread((64, 64), line, line).max() < 1e-6
    blob = np.indices((9, 9)).reshape(2, -1) + 20
    assert spread((64, 64), *blob).min() > 0.2
    assert spread((64, 64), np.array([5]), np.array([6])).tolist() == [[1.0] * len(REACHES)]


def test_the_cut_is_the_best_one():
    ratio, track = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5]), np.array([True, False, True, True, False, False])
    cuts = [np.mean([(ratio[track] <= c).mean(), (ratio[~track] > c).mean()]) for c in ratio]
    assert best_cut(ratio, track) == ratio[int(np.argmax(cuts))]


def test_the_reach_is_the_one_that_tells_most():
    track = np.arange(20) < 9
    ratios = np.tile(np.random.default_rng(1).random(20)[:, None], (1, len(REACHES)))
    ratios[:, 2] = np.where(track, 0.1, 0.2)
    assert best_rule(ratios, track) == (2, 0.1)
