"""Lines of integers against the staircases that they are to be, at every code."""

import numpy as np
import pytest

from qcompress.frontends.lines import Channel, line_of
from qcompress.frontends.staircases import staircase

LEAST, MOST = -16, 15


def channels_of(function, low, high):
    found = staircase(function, low, high, monotonic=True)
    return [
        Channel(int(a), int(b), steps, values.astype(np.int64))
        for a, b, steps, values in zip(low, high, *found, strict=True)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_a_rounded_and_cut_line_is_found_and_equal_at_every_code(seed):
    """Slopes of either sign and none, ranges whose ends lie inside the cut or beyond, steps of more than one."""
    rng = np.random.default_rng(seed)
    scale, shift = rng.normal(0, rng.choice([1e-3, 0.02, 0.8, 3.0]), 4), rng.normal(0, 8, 4)
    scale[0] = 0
    low, high = -rng.integers(1, 3000, 4), rng.integers(1, 3000, 4)

    def function(codes):
        return np.clip(np.round(codes * scale + shift), LEAST, MOST)

    line = line_of(channels_of(function, low, high), LEAST, MOST)
    assert line is not None
    every = np.clip(np.arange(-3000, 3000)[:, None], low, high)
    assert np.array_equal(np.clip((every * line.factor + line.offset) >> line.shift, LEAST, MOST), function(every))


def test_the_fewest_bits_are_dropped():
    found = line_of(
        channels_of(lambda codes: np.clip(codes // 4, LEAST, MOST), np.array([-99]), np.array([99])), LEAST, MOST
    )
    assert found is not None
    assert (found.shift, found.factor.tolist()) == (2, [1])


@pytest.mark.parametrize(
    "codes",
    [[0, 1, 0], [0, 1, 2, 3]],
    ids=["up and down", "steps of uneven width"],
)
def test_what_is_no_line_gives_none(codes):
    thresholds = np.array([10, 11, 30])[: len(codes) - 1]
    assert line_of([Channel(0, 50, thresholds, np.array(codes))], LEAST, MOST) is None
