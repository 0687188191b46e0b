"""The fast simulation: reproducible, and showers where the published parametrisation puts them."""

import numpy as np
import pytest

from qcompress.detectors.hgcal import geometry, samples, simulation
from qcompress.errors import QcompressError


@pytest.fixture(scope="module")
def electrons():
    return simulation.simulate("electron-0pu", 1500, 1)


@pytest.fixture(scope="module")
def pile_up():
    return simulation.simulate("minbias-200pu", 600, 1)


def test_the_same_seed_gives_the_same_sample_whatever_the_number_of_events(electrons):
    again = simulation.simulate("electron-0pu", 1500, 1)
    fewer = simulation.simulate("electron-0pu", 330, 1)
    other = simulation.simulate("electron-0pu", 330, 2)
    assert samples.content_hash(again) == samples.content_hash(electrons)
    assert (fewer.charge == electrons.charge[: len(fewer.charge)]).all()
    assert (other.charge != fewer.charge).any()


def test_one_row_per_event_and_odd_layer(electrons):
    assert len(electrons.event) == 1500 * 14
    assert (electrons.layer.reshape(1500, 14) == np.arange(1, 28, 2)).all()
    assert electrons.event.max() == 1499
    assert 2.0 < electrons.eta.min() < electrons.eta.max() < 3.2


def test_wafers_are_hexagons_of_167_mm():
    rng = np.random.default_rng(0)
    points = rng.uniform(-100, 100, (4000, 2))
    centres = simulation.wafer_centre(points)
    angles = np.arange(6) * np.pi / 3
    neighbours = centres[:, None] + 16.74 * np.column_stack([np.cos(angles), np.sin(angles)])
    own = np.linalg.norm(points - centres, axis=1)
    assert (own[:, None] <= np.linalg.norm(points[:, None] - neighbours, axis=2) + 1e-9).all()
    assert own.max() <= 16.74 / np.sqrt(3) + 1e-9
    grid, step, _ = simulation.raster()
    assert (grid >= 0).sum() * step**2 == pytest.approx(np.sqrt(3) / 2 * 16.74**2, rel=0.01)
    shares = np.bincount(grid[grid >= 0], minlength=48) / (grid >= 0).sum()
    assert len(shares) == 48
    assert shares.min() > 0.5 / 48


def test_shower_maximum_is_where_the_parametrisation_says_and_deepens_with_energy(electrons):
    """T = 1.007 ln(E/Ec) - 1.396 radiation lengths along the particle, 0.9 of them in front."""
    by_layer = electrons.charge.sum(axis=1).reshape(1500, 14)
    weights = np.concatenate([[simulation.PARAMETERS.first_weight_mev], np.full(13, simulation.PARAMETERS.weight_mev)])
    energy = by_layer @ weights
    halves = np.argsort(energy)[:500], np.argsort(energy)[-500:]
    peaks = [simulation.LAYERS[by_layer[rows].sum(axis=0).argmax()] for rows in halves]
    assert peaks[0] <= peaks[1]
    depth = simulation.depths_x0()[peaks[1]] / np.tanh(2.575)
    mean_energy = 1000 * 77 * np.cosh(2.575)  # the upper third of 5-100 GeV in pT has 68-100, mean eta 2.575
    expected = 1.007 * np.log(mean_energy / 5.36) - 1.396
    assert abs(depth - expected) < 2.0  # two odd layers lie 1.85 X0 apart


def test_radial_containment_is_of_the_order_of_the_moliere_radius(electrons):
    """About 90 % of a shower lies within 2.8 cm: nearest cells of 2.4 cm pitch hold most of a module's charge."""
    rows = electrons.charge[electrons.layer == 11].astype(float)
    rows = rows[rows.sum(axis=1) > 10_000]
    sorted_share = np.sort(geometry.channels_to_train(rows), axis=1)[:, ::-1] / rows.sum(axis=1, keepdims=True)
    assert len(rows) > 500
    assert 0.75 < np.median(sorted_share[:, :7].sum(axis=1)) <= 1.0


def test_occupancy_grows_with_pseudorapidity_and_falls_with_depth(pile_up):
    transverse = pile_up.charge / np.cosh(pile_up.eta.astype(float))[:, None]
    hits = (transverse > 1.35 * 35.1).sum(axis=1)
    layer5 = pile_up.layer == 5
    inner = pile_up.eta > 2.6
    assert hits[layer5 & inner].mean() > hits[layer5 & ~inner].mean() > 3
    assert hits[pile_up.layer == 25].mean() < hits[pile_up.layer == 9].mean()
    assert (pile_up.signal_fraction == 0).all()


def test_codes_are_those_of_the_charges(electrons):
    from qcompress.detectors.hgcal.econt.numbers import decode

    charge, codes = electrons.charge.astype(np.int64), electrons.codes.astype(np.int64)
    occupied = charge >= 64
    error = np.abs(decode(codes, 3) - charge)[occupied] / charge[occupied]
    saturated = codes[occupied] == 127
    assert (error[~saturated] <= 1 / 16 + 1e-9).all()


def test_unknown_kinds_are_refused():
    with pytest.raises(QcompressError, match="simulate one of electron-200pu"):
        simulation.simulate("muons", 1, 1)


def test_the_frozen_parameters_travel_with_the_sample(electrons):
    assert electrons.origin["parameters"]["weight_mev"] == simulation.PARAMETERS.weight_mev
    assert len(electrons.origin["parameters_hash"]) == 64
