"""The main figures of the simulation's validation, on small statistics, against what is published."""

import numpy as np
import pytest

from qcompress.detectors.hgcal.module import wafers
from qcompress.detectors.hgcal.simulation import validation
from qcompress.detectors.hgcal.simulation.parameters import PARAMETERS

ENERGIES = np.array([10.0, 50.0, 200.0])


@pytest.fixture(scope="module")
def photons():
    return {energy: validation.gun(energy, 40, 1) for energy in ENERGIES}


def test_the_maximum_lies_where_it_is_published_and_grows_with_the_logarithm(photons):
    """HGCAL-FastShower: T = 1.007 ln(E/Ec) - 1.396; half of what is read every 1.85 X0 is how well it can be seen."""
    found = np.array([maximum for _, maximum in photons.values()])
    expected = 1.007 * np.log(1000 * ENERGIES / PARAMETERS.critical_energy_mev) - 1.396
    np.testing.assert_allclose(found, expected, atol=0.9)
    assert np.polyfit(np.log(ENERGIES), found, 1)[0] == pytest.approx(1.007, abs=0.25)


def test_the_response_is_linear_and_its_spread_the_stochastic_term(photons):
    """22 % for 28 layers, root 2 of it for every second; the mean of 40 showers is known to a few percent."""
    sums = {energy: validation.in_ce_e(part) for energy, (part, _) in photons.items()}
    response = np.array([s.mean() / energy for energy, s in sums.items()])
    assert (response > 0.8).all()
    assert (response < 1.05).all()
    spread = np.array([s.std() / s.mean() for s in sums.values()])
    stochastic, constant = validation.terms(ENERGIES, spread)
    assert stochastic == pytest.approx(0.31, abs=0.09)
    assert constant < 0.03
    assert spread[0] > spread[1] > spread[2]


def test_ninety_percent_of_a_shower_lie_within_a_moliere_radius():
    assert validation.containment() == pytest.approx(2.8, abs=0.4)


def test_tracks_leave_the_charge_of_a_mip():
    charge = validation.tracks()
    assert validation.most_probable(charge) == pytest.approx(1.0, abs=0.1)
    assert charge.mean() == pytest.approx(1.0, abs=0.1)


def test_empty_modules_hold_the_noise_that_their_threshold_lets_through():
    """Behind the electrons' reach, at 0 PU."""
    assert (validation.of_noise(True), validation.of_noise(False)) == pytest.approx((0.583, 0.259), abs=0.001)
    quiet = validation.events("electron-0pu", 20)
    deep = (quiet["layer"] >= 33) & (quiet["module_type"] < 3)
    known = wafers.modules()
    whole = (known.layer >= 33) & known.cells.all(axis=1)
    for high in (True, False):
        found = (quiet["charge"][deep & (quiet["high_density"] == high)] > 0).sum()
        expected = 2 * 20 * (whole & (known.high_density == high)).sum() * validation.of_noise(high)
        assert found == pytest.approx(expected, abs=5 * np.sqrt(expected) + 0.01 * expected)
    _, above, charged = validation.per_module(quiet, 41, 2.2, 20)
    assert charged == pytest.approx(validation.of_noise(False), rel=0.2)
    assert above < 0.05


def test_pile_up_brings_charge_that_falls_with_depth_and_grows_with_pseudorapidity():
    found = validation.events("minbias-200pu", 2)
    charge = np.array(
        [[validation.per_module(found, layer, eta, 2)[0] for eta in (1.6, 2.0, 2.4)] for layer in (5, 25)]
    )
    assert (np.diff(charge, axis=1) > 0).all()
    assert (charge[0] > 2 * charge[1]).all()
    assert np.isnan(validation.per_module(found, 5, 4.0, 2)[0])
