"""Operating points against a loop over every cut; what is kept adds up; too little background is refused."""

import math

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.metrics.operating_points import LEAST_BACKGROUND, OVER_ALL, OVER_BACKGROUND, Scores, best_points, point


def drawn(seed, size=300):
    """Signal above two kinds of background, scores with ties, weights."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, size, p=[0.3, 0.5, 0.2])
    score = np.round(rng.normal(0, 1, size) + 1.5 * (kind == 0), 1)
    return Scores(score, kind, rng.uniform(0.5, 3, size))


def by_loop(given, cut):
    """Sums of weights by kind of what a cut keeps, and how many entries of background."""
    sums, entries = [0.0, 0.0, 0.0], 0
    for score, kind, weight in zip(*given, strict=True):
        if score >= cut:
            sums[kind] += weight
            entries += kind > 0
    return sums, entries


@pytest.mark.parametrize("seed", range(5))
def test_best_cuts_are_those_of_a_loop_over_all(seed):
    given = drawn(seed)
    best = {OVER_BACKGROUND: (-1.0, 0.0), OVER_ALL: (-1.0, 0.0)}
    for cut in sorted(set(given.score.tolist()), reverse=True):
        (s, *others), entries = by_loop(given, cut)
        b = sum(others)
        merits = {OVER_ALL: s / math.sqrt(s + b)}
        if entries >= LEAST_BACKGROUND:
            merits[OVER_BACKGROUND] = s / math.sqrt(b)
        for name, merit in merits.items():
            if merit > best[name][0] + 1e-12:
                best[name] = (merit, cut)
    found = best_points(given, 2)
    assert {name: one.cut for name, one in found.items()} == {name: cut for name, (_, cut) in best.items()}
    for one in found.values():
        sums, _ = by_loop(given, one.cut)
        assert (one.signal, *one.backgrounds) == pytest.approx(sums)
        assert one.background == pytest.approx(sum(sums[1:]))
        assert one.efficiency == pytest.approx(sums[0] / given.weight[given.kind == 0].sum())
        assert one.purity == pytest.approx(sums[0] / sum(sums))


def test_the_tightest_cut_of_a_perfect_score_keeps_all_signal():
    kind = np.array([0] * 50 + [1] * 50)
    given = Scores(np.where(kind == 0, 1.0, 0.0), kind, np.ones(100))
    found = best_points(given, 1)
    assert found[OVER_ALL] == (1.0, 50.0, (0.0,), 1.0, 1.0)
    assert found[OVER_BACKGROUND].cut == 0  # the tighter one keeps no background at all


def test_a_cut_above_everything_keeps_nothing():
    one = point(drawn(1), math.inf, 2)
    assert (one.signal, one.background, one.efficiency) == (0, 0, 0)
    assert math.isnan(one.purity)


def test_a_cut_without_signal_has_no_efficiency():
    with pytest.raises(QcompressError, match="operating points need signal; no entry of kind 0"):
        point(Scores(np.ones(3), np.array([1, 1, 2]), np.ones(3)), 0.5, 2)


@pytest.mark.parametrize("kind", [[1] * 30, [0] * 30, [0] * 30 + [1] * (LEAST_BACKGROUND - 1)])
def test_signal_and_enough_background_are_needed(kind):
    numbers = np.arange(len(kind), dtype=float)
    with pytest.raises(QcompressError, match="operating points need signal and 10 entries of background"):
        best_points(Scores(numbers, np.array(kind), np.ones(len(kind))), 1)
