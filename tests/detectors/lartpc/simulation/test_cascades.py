"""Showers: energy is kept, shape and size are the known ones."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.simulation import cascades
from qcompress.detectors.lartpc.simulation.parameters import PARAMETERS

STACK, DEPOSITS = np.empty((1000, cascades.STACK_COLUMNS)), np.empty((60_000, cascades.DEPOSIT_COLUMNS))


def shower(species, energy, seed):
    made, highest = cascades.cascade(species, float(energy), seed, STACK, DEPOSITS)
    assert made <= len(DEPOSITS)
    assert highest <= len(STACK)
    return DEPOSITS[:made].copy()


@pytest.mark.parametrize("species", [cascades.ELECTRON, cascades.PHOTON])
def test_all_energy_is_deposited_in_an_endless_volume(species):
    for energy in (5.0, 100.0):
        for seed in range(5):
            assert shower(species, energy, seed)[:, 4].sum() == pytest.approx(energy, rel=1e-9)


def test_a_positron_gives_its_annihilation_too():
    assert shower(cascades.POSITRON, 20.0, 3)[:, 4].sum() == pytest.approx(20 + 2 * 0.510999, rel=1e-9)


def test_the_shape_of_a_shower_is_the_known_one():
    """1 GeV: half of the energy within 1.9 cm of the axis, 90 % within 10.7 cm, mean depth 4.05 to 4.5 lengths."""
    table = np.concatenate([shower(cascades.ELECTRON, 1000, seed) for seed in range(30)])
    energy, radius = table[:, 4], np.hypot(table[:, 0], table[:, 1])
    order = np.argsort(radius)
    within = np.cumsum(energy[order]) / energy.sum()
    half, most = (radius[order][np.searchsorted(within, part)] for part in (0.5, 0.9))
    assert half == pytest.approx(1.9, rel=0.15)
    assert most == pytest.approx(10.7, rel=0.15)
    assert 3.9 < energy @ table[:, 2] / energy.sum() / PARAMETERS.radiation_length < 4.6


def test_a_photon_travels_before_it_is_seen_as_far_as_its_rates_say():
    start = np.array([shower(cascades.PHOTON, 500, seed)[0, 2] for seed in range(300)])
    assert start.mean() == pytest.approx(1 / sum(cascades.photon_rates(500.0)), rel=0.2)
    assert 18 < 1 / sum(cascades.photon_rates(500.0)) < 25


def test_compton_scattering_is_klein_and_nishinas():
    """Cross section at 1 MeV 0.2112 barn an electron; mean share that the photon keeps there 0.56."""
    barn = cascades.photon_rates(1.0)[1] / PARAMETERS.electrons_per_cm3 * 1e24
    assert barn == pytest.approx(0.2112, rel=0.002)
    kept = np.array([cascades.scattered_share(1.0) for _ in range(4000)])
    assert kept.mean() == pytest.approx(0.56, abs=0.015)


def test_a_direction_that_is_turned_is_turned_by_that_angle():
    rng = np.random.default_rng(1)
    for _ in range(50):
        way = rng.standard_normal(3)
        way /= np.linalg.norm(way)
        theta, new = rng.uniform(0, np.pi), way.copy()
        cascades.turn(new, theta, rng.uniform(0, 6))
        assert way @ new == pytest.approx(np.cos(theta), abs=1e-9)
