"""Mean losses, ranges and fluctuations beside published ones."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.simulation import energy_loss

MASS = {"muon": 105.658, "pion": 139.570, "proton": 938.272}
RANGES = {
    "muon": {100: 30.4, 200: 76, 500: 218, 1000: 442},
    "pion": {100: 26.9, 200: 71, 500: 212, 1000: 442},
    "proton": {100: 7.8, 200: 25.9, 400: 81, 1000: 319},
}
"""cm, by kinetic energy in MeV: LArSoft's tables, rounded to the last digit here."""


@pytest.mark.parametrize("particle", RANGES)
def test_ranges_are_the_published_ones(particle):
    for energy, known in RANGES[particle].items():
        digit = 0.05 if known < 70 else 0.5
        here = energy_loss.csda_range(energy, MASS[particle])
        assert here == pytest.approx(known, abs=0.003 * known + digit), energy


def test_a_minimum_ionising_particle_loses_what_is_known():
    energies = np.geomspace(50, 2000, 2000)
    assert min(energy_loss.heavy_loss(e, MASS["muon"], np.inf) for e in energies) == pytest.approx(2.104, rel=0.003)
    assert energy_loss.heavy_loss(266.0, MASS["muon"], np.inf) == pytest.approx(2.104, rel=0.01)


@pytest.mark.parametrize("beta_gamma", [3.0, 5.0, 10.0])
def test_losses_fluctuate_around_the_mean_with_the_most_probable_loss_of_landau(beta_gamma):
    energy, thickness = MASS["muon"] * (np.sqrt(1 + beta_gamma**2) - 1), 0.479
    drawn = energy_loss.sampled_losses(energy, MASS["muon"], thickness, 60_000, 1)
    assert drawn.mean() / thickness == pytest.approx(energy_loss.heavy_loss(energy, MASS["muon"], np.inf), rel=0.02)
    content, edges = np.histogram(drawn, np.linspace(0.55, 1.3, 76))
    centre = (edges[:-1] + edges[1:]) / 2
    near = np.abs(centre - centre[content.argmax()]) < 0.1
    cubic = np.polyfit(centre[near], np.log(content[near]), 3)
    roots = np.roots(np.polyder(cubic)).real
    peak = roots[np.abs(roots - centre[content.argmax()]).argmin()]
    assert peak / thickness == pytest.approx(
        energy_loss.most_probable_loss(beta_gamma, thickness) / thickness, rel=0.012
    )
    assert 1.6 < peak / thickness < 1.74


def test_steps_do_not_change_the_loss():
    one, many = (energy_loss.sampled_losses(300.0, MASS["muon"], 1.0, 20_000, 2, steps) for steps in (1, 5))
    assert np.median(one) == pytest.approx(np.median(many), rel=0.006)


def test_electrons_lose_what_is_tabulated():
    """Collision loss of electrons in argon of tables, 1.38, 1.66, 1.95 MeV cm2/g at 1, 10, 1000 MeV, M: remembered."""
    for energy, known in ((1.0, 1.38), (10.0, 1.57), (1000.0, 1.95)):
        assert energy_loss.electron_loss(energy, np.inf) / 1.393 == pytest.approx(known, rel=0.03)
