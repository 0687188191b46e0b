"""What flies through a sector: species, soft electrons, delta electrons by their formulas."""

import numpy as np
import pytest

from qcompress.detectors.tpc import geometry
from qcompress.detectors.tpc.simulation import particles
from qcompress.detectors.tpc.simulation.parameters import PARAMETERS, REALISTIC


def pions(count):
    """Pions of 1 GeV straight through the middle of a sector."""
    columns = (particles.START_CM, 0.0, 100.0, 0.0, 0.2, 1.0, particles.PION, 1.0, 30.0)
    return particles.Particles(np.tile(columns, (count, 1)), np.full(count, particles.BEAM))


def test_delta_electrons_follow_rutherford_and_lie_on_the_helix():
    count, p = 4000, REALISTIC
    made = particles.with_deltas(p, pions(count), np.random.default_rng(1))
    own = made.numbers[made.origin == particles.DELTA]
    energy = 1e3 * (np.hypot(own[:, 5], particles.ELECTRON) - particles.ELECTRON)
    length = (geometry.ROW_X_CM[-1] - geometry.ROW_X_CM[0]) * np.hypot(1, 0.2)
    expected = p.delta_per_cm * length * (1 / 0.03 - 1 / 3.0) * (1 + particles.PION**2)
    assert len(own) / count == pytest.approx(expected, rel=0.06)
    assert (energy > 0.1).mean() == pytest.approx((10 - 1 / 3) / (1 / 0.03 - 1 / 3), rel=0.08)
    radius = geometry.FIELD_RADIUS_CM_PER_GEV / np.hypot(1, 0.2)
    x, y = own[:, 0] - particles.START_CM, own[:, 1]
    assert np.hypot(x, y - radius) == pytest.approx(np.full(len(own), radius), rel=1e-6)
    assert np.cos(own[:, 3]).mean() < 0.8  # soft ones leave sideways
    assert (np.diff(np.flatnonzero(made.origin == particles.BEAM)) >= 1).all()


def test_a_delta_electron_leaves_at_the_angle_of_an_elastic_collision():
    made = particles.with_deltas(REALISTIC, pions(500), np.random.default_rng(2))
    own = made.numbers[made.origin == particles.DELTA]
    radius = geometry.FIELD_RADIUS_CM_PER_GEV / np.hypot(1, 0.2)
    phi = np.arcsin(np.clip((own[:, 0] - particles.START_CM) / radius, -1, 1))
    dip = np.arctan(0.2)
    along = np.cos(dip) * np.cos(own[:, 3] - phi) + np.sin(dip) * own[:, 4]
    cosine = along / np.sqrt(1 + own[:, 4] ** 2)
    energy = np.hypot(own[:, 5], particles.ELECTRON) - particles.ELECTRON
    expected = energy / own[:, 5] * np.hypot(1, particles.PION)
    flat = np.abs(own[:, 4]) < 10  # steeper ones are cut
    assert cosine[flat] == pytest.approx(expected[flat], abs=1e-6)


def test_species_and_soft_electrons_have_their_shares():
    rng = np.random.default_rng(3)
    given = particles.with_species(REALISTIC, pions(20_000), rng)
    shares = [(given.numbers[:, 6] == mass).mean() for mass, _, _ in REALISTIC.species]
    assert shares == pytest.approx([share for _, share, _ in REALISTIC.species], abs=0.01)
    soft = particles.with_soft(REALISTIC, given, 128, rng)
    chosen = soft.origin == particles.LOOPER
    assert chosen.mean() == pytest.approx(REALISTIC.soft_share, abs=0.004)
    assert soft.numbers[chosen, 5].max() < 0.0035
    assert (soft.numbers[chosen, 6] == particles.ELECTRON).all()


def test_version_1_has_pions_and_electrons_alone():
    drawn = particles.drawn(PARAMETERS, 256, 128, np.random.default_rng(4))
    assert set(drawn.numbers[:, 6]) == {particles.PION, particles.ELECTRON}
    assert len(drawn.origin) == 256
