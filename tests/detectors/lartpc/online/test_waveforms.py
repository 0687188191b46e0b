"""Codes that are none are refused by their place; dead and saturated channels are found and counted."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.online import waveforms
from qcompress.errors import QcompressError


def test_dead_and_saturated_channels_are_counted():
    codes = np.random.default_rng(0).integers(800, 900, (5, 500)).astype(np.uint16)
    codes[1], codes[2] = 900, 4095
    codes[3, :100], codes[4, 7] = 0, 4095
    found = waveforms.condition(codes, 12)
    assert found.dead.tolist() == [False, True, True, False, False]
    assert found.saturated.tolist() == [False, False, False, True, False]
    assert found.at_ends.tolist() == [0, 0, 500, 100, 1]
    assert str(found) == "5 channels: 2 dead, 1 saturated, both masked; 601 samples at an end of the range"
    assert found.masked.tolist() == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (np.zeros(5, int), r"codes are \(channels, ticks\), not of shape \(5,\)"),
        (np.zeros((5, 0), int), r"not of shape \(5, 0\)"),
        (np.zeros((5, 2)), "codes are whole numbers, not float64; digitise them first"),
        (np.array([[1, 2], [3, -4]]), r"channel 1, tick 1: code -4 is outside of 15 bits; 1 such codes"),
        (np.array([[1, 40_000], [40_000, 4]]), r"channel 0, tick 1: code 40000 is outside of 15 bits; 2 such codes"),
    ],
)
def test_what_is_no_code_is_refused(wrong, said):
    with pytest.raises(QcompressError, match=said):
        waveforms.checked(wrong)


def test_codes_of_more_bits_than_the_converter_has_are_refused():
    with pytest.raises(QcompressError, match="code 5000 among those of converters of 12 bits"):
        waveforms.condition(np.array([[5000, 1]]), 12)
