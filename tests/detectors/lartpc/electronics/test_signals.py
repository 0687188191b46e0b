"""Signals of charges: mips as published, superposition, edges, AC coupling."""

import numpy as np
import pytest
from scipy.signal import convolve2d

from qcompress.detectors.lartpc.electronics import signals
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.errors import QcompressError

SP = PRESETS["protodune-sp"]
MIP = 30_000
"""Electrons of a minimum ionising track across a collection wire."""


def line(preset, plane, electrons):
    """Samples of the middle wire of a straight track parallel to the plane, across 21 wires, at tick 300."""
    charge = np.zeros((21, 600), np.float32)
    charge[:, 300] = electrons * plane.pitch_mm / preset.planes[-1].pitch_mm
    return signals.plane_signal(charge, preset, plane)[10]


@pytest.mark.parametrize(
    ("preset", "name", "highest", "lowest"),
    [("protodune-sp", "W", 156, 0), ("protodune-sp", "V", 78, -90), ("protodune-sp", "U", 70, -75),
     ("dune-hd", "W", 549, 0)],
)  # fmt: skip
def test_a_mip_has_the_published_peaks(preset, name, highest, lowest):
    """Within 1 % on the collection plane, 6 % on the others."""
    found = line(PRESETS[preset], PRESETS[preset].plane(name), MIP)
    assert found.max() == pytest.approx(highest, rel=0.01 if name == "W" else 0.06)
    assert found.min() == pytest.approx(lowest, rel=0.06, abs=2.1)


def test_microboone_has_its_own_gain_and_pitch():
    assert line(PRESETS["microboone"], PRESETS["microboone"].plane("Y"), 16_950).max() == pytest.approx(66, rel=0.02)


def test_a_collection_wire_gives_so_many_electrons_for_each_count_and_tick():
    """24 e, of a track of a single tick, before AC coupling takes it back."""
    pulse = signals.pulses(SP, SP.plane("W"))
    assert 1 / (pulse.samples[0] + 2 * pulse.samples[1:].sum(axis=0)).sum() == pytest.approx(24.5, rel=0.03)


def test_signals_are_the_sum_of_their_charges():
    rng = np.random.default_rng(1)
    charge = np.where(rng.random((6, 200)) < 0.2, rng.exponential(3000, (6, 200)), 0).astype(np.float32)
    plane = SP.plane("V")
    pulse = signals.pulses(SP, plane)
    kernel = pulse.samples[[2, 1, 0, 1, 2]].astype(float)
    whole = convolve2d(charge.astype(float), kernel)[2:-2]
    expected = np.zeros((6, 200))
    expected[:, : pulse.first] = whole[:, -pulse.first : -pulse.first + 200][:, : pulse.first]
    expected = whole[:, -pulse.first :][:, :200]
    share, stored = SP.tick_us / SP.coupling_us, np.zeros(6)
    for tick in range(200):
        stored = (1 - share) * stored + expected[:, tick]
        expected[:, tick] -= share * stored
    np.testing.assert_allclose(signals.plane_signal(charge, SP, plane), expected, atol=2e-3)


def test_a_charge_at_the_edge_is_cut_not_wrapped():
    charge = np.zeros((2, 100), np.float32)
    charge[0, 0], charge[1, 99] = 1e4, 1e4
    found = signals.plane_signal(charge, SP, SP.plane("U"))
    assert found[0, :5].min() < -10  # its positive lobe came before the window
    assert found[1, 80:].max() > 10
    assert abs(found[:, 40:60]).max() < 2


def test_a_long_charge_decays_with_the_coupling():
    charge = np.zeros((1, 9000), np.float32)
    charge[0, 100:] = 1000
    found = signals.plane_signal(charge, SP, SP.plane("W"))[0]
    assert found[200 + 2200] / found[200] == pytest.approx(np.exp(-1), rel=0.01)


def test_charges_have_two_axes():
    with pytest.raises(QcompressError, match=r"\(wires, ticks\), not of shape \(5,\)"):
        signals.plane_signal(np.zeros(5), SP, SP.plane("U"))
