"""Presets: numbers that the facts give, and numbers that must agree with each other."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.presets import PRESETS, Lobe, current


def test_noise_in_adc_counts_is_that_of_the_decoded_spectra():
    """4.3 and 3.7 at 12 bits, 13.7 and 10.8 at 14 bits."""
    for name, expected in (("protodune-sp", [4.3, 4.3, 3.7]), ("dune-hd", [13.7, 13.7, 10.8])):
        preset = PRESETS[name]
        counts = [plane.noise_e * preset.adc_per_electron for plane in preset.planes]
        assert counts == pytest.approx(expected, abs=0.07)


@pytest.mark.parametrize("name", PRESETS)
def test_the_last_plane_collects_and_the_others_see_no_net_charge(name):
    step = 0.005
    time = np.arange(-60, 30, step)
    *induction, collection = PRESETS[name].planes
    assert collection.collection
    assert current(collection.currents[0], time).sum() * step == pytest.approx(1, abs=0.01)
    for plane in induction:
        assert not plane.collection
        assert abs(current(plane.currents[0], time).sum() * step) < 0.08
    for plane in PRESETS[name].planes:
        for lobes in plane.currents[1:]:
            assert abs(current(lobes, time).sum() * step) < 0.04


def test_a_lobe_has_two_widths_and_may_be_cut():
    time = np.array([-2.0, 0.0, 1.0])
    assert current((Lobe(2, 0, 2, 1),), time).tolist() == [2 * np.exp(-0.5), 2, 2 * np.exp(-0.5)]
    assert current((Lobe(2, 0, 2, 0), Lobe(1, 0, 2, 0)), time).tolist() == [3 * np.exp(-0.5), 3, 0]


def test_a_plane_is_found_by_name():
    assert PRESETS["dune-hd"].plane("V").angle_deg == -35.71
    with pytest.raises(KeyError):
        PRESETS["microboone"].plane("W")
