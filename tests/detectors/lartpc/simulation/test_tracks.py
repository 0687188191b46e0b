"""Muons, pions and protons: ranges, energy, Michel electrons, delta rays."""

import numpy as np
import pytest

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.simulation import cascades, tracks

ENDLESS = np.array([[-1e9, 1e9]] * 3)
ARRAYS = (
    np.empty((2000, cascades.STACK_COLUMNS)),
    np.empty((60_000, cascades.DEPOSIT_COLUMNS)),
    np.empty((2000, tracks.PARTICLE_COLUMNS)),
)


def followed(species, energy, seed, bounds=ENDLESS):
    """Deposits and particles of one particle along z."""
    row = np.array([[species, 0, 0, 0, 0, 0, 0, 1.0, energy]], float)
    made, known, highest = tracks.follow(row, seed, bounds, *ARRAYS)
    assert made <= len(ARRAYS[1])
    assert known <= len(ARRAYS[2])
    assert highest <= len(ARRAYS[0])
    return ARRAYS[1][:made].copy(), ARRAYS[2][:known].copy()


@pytest.mark.parametrize(("species", "energy", "known"), [
    (tracks.ANTIMUON, 100, 30.4), (tracks.ANTIMUON, 500, 218), (tracks.PROTON, 100, 7.8), (tracks.PROTON, 50, 2.29),
])  # fmt: skip
def test_a_track_is_as_long_as_the_range(species, energy, known):
    lengths = []
    for seed in range(60):
        deposits, particles = followed(species, energy, seed)
        own = deposits[deposits[:, 7] == 0]
        if species == tracks.PROTON and (particles[:, 2] == tracks.PROTON).sum() > 1:
            continue  # a star
        lengths.append(np.linalg.norm(np.diff(own[:, :3], axis=0), axis=1).sum())
    assert np.mean(lengths) == pytest.approx(known, rel=0.04)  # the first half step is not counted; straggling


def test_energy_is_kept():
    for seed in range(20):
        deposits, particles = followed(tracks.ANTIMUON, 300, seed)
        michel = particles[particles[:, 3] == samples.MICHEL]
        assert len(michel) == 1
        expected = 300 + michel[0, 11] + 2 * 0.510999
        assert deposits[:, 4].sum() == pytest.approx(expected, rel=1e-9)


def test_michel_electrons_have_their_spectrum_and_a_share_of_negative_muons_is_captured():
    energies = [p[p[:, 3] == samples.MICHEL, 11] for p in (followed(tracks.ANTIMUON, 5, s)[1] for s in range(600))]
    energies = np.concatenate(energies)
    assert len(energies) == 600
    assert energies.mean() == pytest.approx(0.7 * 52.8, rel=0.03)
    assert energies.max() <= 52.8
    decayed = sum((followed(tracks.MUON, 5, s)[1][:, 3] == samples.MICHEL).any() for s in range(400))
    assert decayed == pytest.approx(100, abs=4 * np.sqrt(400 * 0.25 * 0.75))


def test_delta_rays_are_as_many_as_their_spectrum_says():
    """xi/T^2 above 1 MeV: 0.0965 a cm, less what the largest energy takes off; of their energy and direction."""
    found, path = [], 0.0
    for seed in range(30):
        _, particles = followed(tracks.ANTIMUON, 2000, seed, np.array([[-1e9, 1e9], [-1e9, 1e9], [-1, 200.0]]))
        found.append(particles[(particles[:, 3] == samples.DELTA) & (particles[:, 1] == 0)])
        path += 200
    deltas = np.concatenate(found)
    assert len(deltas) / path == pytest.approx(0.0965, rel=0.1)
    assert np.median(deltas[:, 11]) == pytest.approx(2.0, rel=0.15)
    assert (deltas[:, 11] >= 1).all()
    fast = deltas[deltas[:, 11] > 3]
    assert (fast[:, 10] > 0.7).all()


def test_a_neutral_pion_is_two_photons_of_its_mass():
    for seed in range(20):
        _, particles = followed(tracks.PION_ZERO, 250, seed)
        photons = particles[particles[:, 1] == 0]
        assert (photons[:, 2] == cascades.PHOTON).all()
        energy = photons[:, 11]
        assert energy.sum() == pytest.approx(250 + 134.977, rel=1e-9)
        mass = np.sqrt(2 * energy[0] * energy[1] * (1 - photons[0, 8:11] @ photons[1, 8:11]))
        assert mass == pytest.approx(134.977, rel=1e-6)


def test_pions_end_in_stars_or_at_rest_and_kinks_go_on():
    ends = [followed(tracks.PION_PLUS, 200, seed)[1] for seed in range(100)]
    muons = np.array([(p[:, 2] == tracks.ANTIMUON).any() for p in ends])
    protons = np.array([(p[:, 2] == tracks.PROTON).any() for p in ends])
    assert not (muons & protons).any()
    assert 0.35 < muons.mean() < 0.75  # of a range of 71 cm and 86 cm between interactions, 30 % of them kinks
    for p in ends:
        assert p[(p[:, 2] == tracks.PROTON) & (p[:, 1] == 0), 11].sum() <= 200 + 139.57
