"""Pulses of clean waveforms, their charges in others, and errors inside and outside."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.evaluation.codec_charges import charges, errors, pulses


@pytest.fixture
def clean():
    waves = np.zeros((3, 20), np.float32)
    waves[0, 3:6] = [2, 20, 2]
    waves[0, 18:] = [5, 30]
    waves[1, :4] = [10, 20, -15, -5]
    waves[2, 7] = 4
    return waves


def test_pulses_are_runs_with_a_peak_up_to_the_ends(clean):
    found = pulses(clean, 18)
    assert found.wire.tolist() == [0, 0, 1]
    assert found.start.tolist() == [3, 18, 0]
    assert found.stop.tolist() == [6, 20, 4]
    assert found.peak.tolist() == [20, 30, 20]
    assert pulses(clean, 31).wire.tolist() == []
    assert pulses(0 * clean, 1).wire.tolist() == []
    assert pulses(clean, 18, count=4).start.tolist() == [4, 18, 0]


def test_charges_are_sums_with_the_sign_of_the_clean_samples(clean):
    found = pulses(clean, 18)
    assert charges(clean, clean, found).tolist() == [24, 35, 50]
    assert charges(clean + 1, clean, found).tolist() == [27, 37, 50]  # both lobes: a pedestal cancels
    assert charges(np.full(clean.shape, 7), clean, found).tolist() == [21, 14, 0]


def test_errors_are_inside_pulses_and_outside(clean):
    found = errors(clean + 2, clean)
    assert found.inside == 10
    assert found.outside == 50
    assert found.rms == (2.0, 2.0)
    assert found.plus(errors(clean, clean)).rms == (pytest.approx(2**0.5), pytest.approx(2**0.5))
