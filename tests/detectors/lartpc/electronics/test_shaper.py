"""The amplifier's answer: maximum, integral, width."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.electronics import shaper


def test_maximum_integral_and_width_are_the_published_ones():
    step = 0.001
    time = np.arange(-1, 30, step)
    found = shaper.response(time, 2.2)
    assert found.max() == pytest.approx(1, abs=2e-3)
    assert time[found.argmax()] == pytest.approx(1.174 * 2.2, abs=0.01)
    assert found.sum() * step == pytest.approx(1.269 * 2.2, rel=2e-3)
    assert (found > found.max() / 2).sum() * step == pytest.approx(1.21 * 2.2, rel=5e-3)


def test_nothing_comes_before_the_charge_or_after_the_end():
    assert shaper.response(np.array([-0.1, 0.0, 22.0, 30.0]), 2.2).tolist() == [0, 0, 0, 0]
