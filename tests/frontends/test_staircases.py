"""Steps of functions, against every code tried one by one."""

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.frontends.staircases import EXHAUSTIVE, staircase


def wide(channels):
    return np.full(channels, -3 * EXHAUSTIVE), np.full(channels, 2 * EXHAUSTIVE)


@pytest.mark.parametrize("seed", range(6))
def test_steps_of_a_monotonic_function_are_those_of_every_code(seed):
    """Of rising, falling and constant channels, with steps of one and of many."""
    rng = np.random.default_rng(seed)
    scale, shift = rng.normal(0, 10.0 ** -rng.integers(1, 5), 4), rng.normal(0, 9, 4)
    scale[3] = 0
    low, high = wide(4)
    low += rng.integers(0, 100, 4)
    every = np.clip(np.arange(low.min(), high.max() + 1)[:, None], low, high)

    def function(codes):
        return np.clip(np.round((codes * scale + shift).astype(np.float32)), -30, 31).astype(np.float64)

    found = staircase(function, low, high, monotonic=True)
    assert np.array_equal(found.at(every), function(every))
    assert found.steps == max(np.count_nonzero(np.diff(column)) for column in function(every).T)


def test_a_narrow_range_is_tried_whole_so_nothing_need_be_monotonic():
    low, high = np.array([0, -5]), np.array([40, 7])
    every = np.clip(np.arange(-5, 41)[:, None], low, high)
    found = staircase(lambda codes: np.sin(codes * 1.0).round(), low, high, monotonic=False)
    assert np.array_equal(found.at(every), np.sin(every * 1.0).round())


def test_a_wide_range_of_a_function_that_may_turn_is_refused():
    with pytest.raises(QcompressError, match="not known to be monotonic, and 81921 codes"):
        staircase(np.abs, *wide(2), monotonic=False)


def test_a_code_on_the_wrong_side_of_a_step_is_found():
    def function(codes):
        return np.where((codes >= 1000) ^ (codes == 1003), 1.0, 0.0)

    assert staircase(function, *wide(1), monotonic=True).steps == 1
    with pytest.raises(QcompressError, match="up and down next to a threshold"):
        staircase(function, *wide(1), monotonic=True, near=8)


def test_more_steps_than_memory_should_hold_are_refused(monkeypatch):
    monkeypatch.setattr("qcompress.frontends.staircases.MOST_STEPS", 1000)
    with pytest.raises(QcompressError, match="more than 1000 steps"):
        staircase(lambda codes: codes * 1.0, *wide(1), monotonic=True)
