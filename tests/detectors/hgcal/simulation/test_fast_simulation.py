"""The fast simulation: reproducible event by event, and showers where the published parametrisations put them."""

import numpy as np
import pytest

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.evaluation.results import why_no_clusters
from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.detectors.hgcal.simulation import fast_simulation, particles, sensors, showers
from qcompress.detectors.hgcal.simulation.parameters import PARAMETERS
from qcompress.errors import QcompressError


def events(kind, numbers, seed=1):
    """Columns of several events, end to end."""
    modules, generated = zip(*(fast_simulation.simulate_event(kind, seed, number) for number in numbers), strict=True)
    return [
        {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} for parts in (modules, generated)
    ]


@pytest.fixture(scope="module")
def electrons():
    return events("electron-0pu", range(150))


@pytest.fixture(scope="module")
def pile_up():
    return events("minbias-200pu", range(3))[0]


def test_an_event_depends_on_seed_kind_and_number_alone(tmp_path):
    for name, count in (("a", 20), ("b", 5)):
        fast_simulation.simulate("electron-200pu-axis", count, 3, tmp_path / f"{name}.h5")
    fast_simulation.simulate("electron-200pu-axis", 5, 4, tmp_path / "c.h5")
    more, fewer, other = (samples.read(tmp_path / f"{name}.h5") for name in "abc")
    for name, column in fewer.columns.items():
        assert (more[name][: len(fewer)] == column).all(), name
    assert (other["charge"] != fewer["charge"]).any()
    fast_simulation.simulate("electron-200pu-axis", 5, 3, tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_samples_along_an_axis_have_a_row_per_odd_layer_of_ce_e(tmp_path):
    modules, generated = events("electron-0pu-axis", range(40))
    assert (modules["layer"].reshape(40, 14) == np.arange(1, 28, 2)).all()
    assert (modules["high_density"] == 1).mean() > 0.9
    assert (generated["zside"] == 1).all()
    near = np.repeat(generated["entry_eta"], 14) - modules["eta"]
    assert np.abs(near).max() < 0.35
    empty = events("minbias-200pu-axis", range(3))
    assert len(empty[0]["event"]) == 42
    assert len(empty[1]["event"]) == 0


def test_mixed_samples_have_the_modules_of_both_electrons_and_nine_times_as_many_others():
    modules, generated = events("electron-200pu-mixed", range(2))
    assert len(modules["event"]) == 2 * 2 * 140
    assert (modules["layer"] <= 28).all()
    assert len(np.unique(modules["module_type"])) > 3
    places = np.column_stack([modules[name] for name in ("event", "zside", "layer", "u", "v")])
    assert len(np.unique(places, axis=0)) == len(places)
    energy = generated["pt"] * np.cosh(generated["eta"])
    for row in range(4):  # odd layers see 0.45 of an electron
        event, side = generated["event"][row], generated["zside"][row]
        own = (modules["event"] == event) & (modules["zside"] == side)
        held = modules["sim_energy_fraction"] * own
        assert held.sum() > 0.2 * energy[row] / energy[generated["event"] == event].sum()
        most = held.argmax()
        assert abs(modules["eta"][most] - generated["entry_eta"][row]) < 0.2
        assert np.cos(modules["phi"][most] - generated["entry_phi"][row]) > 0.98


def test_mixed_samples_are_simulated_from_outside_and_have_no_clusters(qcompress, tmp_path):
    path = tmp_path / "mixed.h5"
    done = qcompress("simulate", "hgcal", "--sample", "electron-200pu-mixed", "--events", 1, "-o", path)
    assert done.returncode == 0, done.stderr
    assert "280 rows of 1 events" in done.stdout
    with samples.Handle(path) as handle:
        assert why_no_clusters(handle) == "the sample holds some modules of each event"


def test_every_point_falls_on_the_nearest_cell_of_its_wafer():
    """The compiled look-up against a search over all centres."""
    from qcompress.detectors.hgcal.simulation import sensor_kernels

    rng, t = np.random.default_rng(0), sensors.tables()
    k = int(np.flatnonzero(layers.TRIGGER_LAYERS == 30)[0])
    known = wafers.modules()
    own = np.flatnonzero(known.layer == 30)
    found = 0
    for x, y in rng.uniform(-150, 150, (1500, 2)):
        cell = sensor_kernels._cell(x, y, k, t.up, t.lookup, t.high, t.low, t.cells, t.first, t.exists)
        if cell < 0:
            continue
        module = np.searchsorted(t.first, cell, side="right") - 1
        channel = (cell - t.first[module]) // t.cells[module]
        assert module == own[np.hypot(*(known.centre[own] - [x, y]).T).argmin()]
        distance = np.hypot(*(known.centre[module] + geometry.tc_xy_channels() - [x, y]).T)
        assert distance[channel] < distance.min() + 0.85  # cells of a rhombus, not nearest centres
        assert known.cells[module, channel]
        found += 1
    assert found > 900


def test_the_negative_side_is_the_mirror_image_in_x():
    modules, generated = events("photon-0pu", range(30))
    for side in (1, -1):
        lit = (modules["zside"] == side) & (modules["sim_energy_fraction"] > 0.02)
        own = generated["zside"] == side
        for event in range(30):
            rows = lit & (modules["event"] == event)
            heading = generated["entry_phi"][own & (generated["event"] == event)]
            if rows.sum() and np.abs(generated["entry_eta"][own & (generated["event"] == event)]) < 2.5:
                weights = modules["sim_energy_fraction"][rows]
                centre = np.angle((weights * np.exp(1j * modules["phi"][rows])).sum())
                assert abs(np.angle(np.exp(1j * (centre - heading[0])))) < 0.35


def test_shower_maximum_follows_the_parametrisation():
    rng = np.random.default_rng(0)
    for energy in (10.0, 35.0, 100.0):
        _, _, maximum = showers.longitudinal(np.full(20_000, energy), rng)
        expected = 1.007 * np.log(1000 * energy / 5.36) - 1.396
        assert np.exp(np.log(maximum).mean()) == pytest.approx(expected, rel=0.01)


def test_ninety_percent_lie_within_about_a_moliere_radius():
    energy = np.full(200, 35.0)
    tau = np.tile(np.linspace(0.1, 2.0, 20), (200, 1))
    core, tail, weight = showers.radial(energy, tau)

    def inside(r):
        return weight * r**2 / (r**2 + core**2) + (1 - weight) * r**2 / (r**2 + tail**2)

    mean = np.array([inside(r).mean() for r in np.arange(0.1, 8, 0.1)])
    ninety = np.arange(0.1, 8, 0.1)[np.searchsorted(mean, 0.9)]
    assert 0.6 * PARAMETERS.moliere < ninety < 1.5 * PARAMETERS.moliere


def test_energy_comes_back_within_the_sampling(electrons):
    """Charge times weight over response, both layers of a pair: the generated energy, spread of the stochastic term."""
    modules, generated = electrons
    gev = np.bincount(modules["event"] * 2 + (modules["zside"] < 0), modules["sim_energy_total"], 300)
    energy = (generated["pt"] * np.cosh(generated["eta"])).reshape(150, 2).ravel()
    inside = (np.abs(generated["entry_eta"]) > 1.7) & (np.abs(generated["entry_eta"]) < 2.7)
    ratio = 2 * gev[inside] / energy[inside]  # every second layer of CE-E is read
    assert np.median(ratio) == pytest.approx(0.97, abs=0.06)
    assert 0.01 < np.std(ratio) < 0.12


def test_occupancy_grows_with_pseudorapidity_and_falls_with_depth(pile_up):
    transverse = pile_up["charge"] / np.cosh(pile_up["eta"].astype(float))[:, None]
    hits = (transverse > 1.35 * 35.1).sum(axis=1)
    full = pile_up["module_type"] < 3
    layer5 = (pile_up["layer"] == 5) & full
    eta = np.abs(pile_up["eta"])
    assert hits[layer5 & (eta > 2.4)].mean() > 1.5 * hits[layer5 & (eta < 1.9)].mean()
    assert hits[(pile_up["layer"] == 25) & full].mean() < hits[(pile_up["layer"] == 9) & full].mean()
    assert (pile_up["signal_fraction"] == 0).all()
    assert (pile_up["tc_signal"] == 0).all()


def test_no_charge_outside_existing_cells(pile_up, electrons):
    known = wafers.modules()
    for modules in (pile_up, electrons[0]):
        place = wafers.lookup()[modules["layer"], modules["u"] + wafers.REACH, modules["v"] + wafers.REACH]
        assert (modules["charge"][~known.cells[place]] == 0).all()
        assert (modules["module_type"] == known.module_type[place]).all()


def test_truth_adds_up(electrons):
    modules, _ = electrons
    share = np.bincount(modules["event"], modules["sim_energy_fraction"], 150)
    assert 0.3 < np.median(share) < 0.7
    assert ((modules["tc_signal"] >= 0) & (modules["tc_signal"] <= 1 + 1e-6)).all()
    noise_alone = (modules["sim_energy_total"] == 0) & modules["charge"].any(axis=1)
    assert (modules["tc_signal"][noise_alone] == 0).all()
    assert noise_alone.sum() > 1000


def test_codes_are_those_of_the_charges(electrons):
    from qcompress.detectors.hgcal.econt.numbers import decode

    modules = electrons[0]
    for high, shift in ((1, 3), (0, 1)):
        rows = modules["high_density"] == high
        charge, codes = modules["charge"][rows].astype(np.int64), modules["codes"][rows].astype(np.int64)
        occupied = charge >= 8 << shift
        error = np.abs(decode(codes, shift) - charge)[occupied] / charge[occupied]
        assert (error[codes[occupied] < 127] <= 1 / 16 + 1e-9).all()


def test_charged_particles_bend_and_neutral_ones_do_not():
    n = 5
    pt = np.array([0.3, 1.0, 5.0, 50.0, 0.3])
    charge = np.array([1, 1, 1, -1, 0])
    real = np.zeros(n)
    given = particles.Particles(np.full(n, 211), charge, pt, np.full(n, 2.0), real, real, np.ones(n, bool))
    entered = particles.entries(given)
    radius = np.hypot(entered.x, entered.y)
    turn = 320 / np.sinh(2.0) / (2 * pt * 100 / 1.14)
    np.testing.assert_allclose(radius[:4], (2 * pt * 100 / 1.14 * np.abs(np.sin(turn)))[:4])
    np.testing.assert_allclose(entered.phi()[:4], (-charge * turn)[:4])
    assert radius[4] == pytest.approx(320 / np.sinh(2.0))
    assert entered.eta()[4] == pytest.approx(2.0)


def test_jets_are_mixtures_that_share_their_momentum():
    rng = np.random.default_rng(2)
    found = particles.joined([particles.jets(rng) for _ in range(400)])
    shares = [found.energy()[np.abs(found.pdg) == pdg].sum() / found.energy().sum() for pdg in (211, 22, 130)]
    np.testing.assert_allclose(shares, PARAMETERS.jet_shares, atol=0.04)
    assert found.pt.sum() / 400 == pytest.approx(2 * 60, rel=0.1)


def test_unknown_kinds_are_refused(tmp_path):
    with pytest.raises(QcompressError, match="simulate one of electron-0pu"):
        fast_simulation.simulate("muons", 1, 1, tmp_path / "none.h5")
    assert not list(tmp_path.iterdir())


def test_the_frozen_parameters_travel_with_the_sample(tmp_path):
    fast_simulation.simulate("electron-0pu-axis", 1, 1, tmp_path / "one.h5")
    origin = samples.read(tmp_path / "one.h5").origin
    assert origin["parameters_hash"] == PARAMETERS.digest()
    assert origin["geometry"] == "V11"
    assert origin["parameters"]["moliere"] == 2.8
