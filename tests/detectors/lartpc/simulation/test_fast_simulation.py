"""Events of the fast simulation: the same for the same seed, with truth that the waveforms show."""

import numpy as np
import pytest

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.electronics.signals import plane_signal
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.detectors.lartpc.simulation import fast_simulation, generators
from qcompress.detectors.lartpc.simulation.parameters import PARAMETERS
from qcompress.detectors.lartpc.simulation.volume import volume_of
from qcompress.errors import QcompressError


def same(a, b):
    for part in samples.PARTS:
        for name, column in getattr(a, part).items():
            dtype = samples.LAYOUT[part][name]
            assert (column.astype(dtype) == getattr(b, part)[name].astype(dtype)).all(), (part, name)
    for name, codes in a.waveforms.items():
        assert (codes == b.waveforms[name]).all()


def test_an_event_depends_on_seed_kind_and_number_alone(tmp_path):
    for name, count in (("a", 2), ("b", 1), ("c", 1)):
        fast_simulation.simulate("mix-sp", count, 3, tmp_path / f"{name}.h5")
    assert (tmp_path / "b.h5").read_bytes() == (tmp_path / "c.h5").read_bytes()
    with samples.Handle(tmp_path / "a.h5") as more, samples.Handle(tmp_path / "b.h5") as fewer:
        same(more.event(0), fewer.event(0))
        assert more.content_hash() != fewer.content_hash()
        assert more.origin["parameters_hash"] == PARAMETERS.digest()
        second = more.event(1)
    same(second, fast_simulation.simulate_event("mix-sp", 3, 1))
    assert fast_simulation.simulate_event("mix-sp", 4, 1).vertex != second.vertex


def test_the_bits_do_not_depend_on_the_room_that_the_loops_have(monkeypatch):
    rng, volume = np.random.default_rng(5), volume_of(PRESETS["protodune-sp"])
    vertex = generators.GENERATORS["electron"](rng, volume, 2304.0)
    first = fast_simulation.follow(vertex, volume, 7)
    monkeypatch.setattr(fast_simulation, "_ROOM", 64)
    again = fast_simulation.follow(vertex, volume, 7)
    assert (first[0] == again[0]).all()
    assert all((first[1][name] == again[1][name]).all() for name in first[1])


def test_waveforms_are_the_signal_of_the_true_pixels_and_noise():
    event, preset = fast_simulation.simulate_event("muon-sp", 2, 1), PRESETS["protodune-sp"]
    plane = preset.plane("W")
    own = event.pixels["plane"] == 2
    charge = np.zeros((plane.wires, preset.ticks), np.float32)
    charge[event.pixels["wire"][own], event.pixels["tick"][own]] = event.pixels["charge"][own]
    left = event.waveforms["W"].astype(np.float64) - plane.baseline - plane_signal(charge, preset, plane)
    quiet = fast_simulation.simulate_event("noise-sp", 2, 0).waveforms["W"].astype(np.float64) - plane.baseline
    assert left.std() < event.waveforms["W"].std()
    assert left.std() == pytest.approx(quiet.std(), rel=0.1)  # the other has decays of argon in it
    assert np.abs(left).max() < 12 * left.std()


def test_hits_hold_the_charge_of_the_pixels_and_planes_see_the_same_charge():
    event = fast_simulation.simulate_event("muon-hd", 1, 2)
    sums = []
    for plane in range(3):
        pixels = event.pixels["plane"] == plane
        hits = event.hits["plane"] == plane
        assert event.hits["charge"][hits].sum() == pytest.approx(event.pixels["charge"][pixels].sum(), rel=0.03)
        sums.append(event.pixels["charge"][pixels].sum())
    assert np.ptp(sums) / np.mean(sums) < 0.02
    known = set(event.particles["particle"].tolist()) | {samples.NO_PARTICLE}
    assert set(event.hits["particle"].tolist()) <= known


@pytest.mark.parametrize("beginning", generators.GENERATORS)
def test_every_beginning_gives_particles_with_directions_in_the_volume(beginning):
    volume = volume_of(PRESETS["dune-hd"])
    for seed in range(20):
        vertex = generators.GENERATORS[beginning](np.random.default_rng(seed), volume, 2304.0)
        rows = vertex.primaries
        assert rows.shape[1] == 9
        assert np.linalg.norm(rows[:, 5:8], axis=1) == pytest.approx(np.ones(len(rows)))
        assert (rows[:, 8] > 0).all()
        if vertex.interaction not in (generators.NOTHING, generators.COSMIC):
            assert ((vertex.vertex > 0) & (vertex.vertex < volume.bounds(0.0)[:, 1])).all()
            assert 1 <= len(rows) <= 5


def test_truth_alone_is_that_of_a_chamber_without_its_waveforms(tmp_path):
    fast_simulation.simulate("muon-module", 1, 1, tmp_path / "a.h5")
    with samples.Handle(tmp_path / "a.h5") as sample:
        assert sample.planes == ()
        assert sample.preset.name == "dune-1x2x6"
        assert sample.events["pixels"][0] > 0
        assert sample.columns("pixels", 0)["wire"].max() < 2906
    assert fast_simulation.parts_of("mix-hd-hits")[1:] == (PRESETS["dune-hd"], False)
    assert fast_simulation.simulate_event("noise-sp-hits", 1, 1).waveforms == {}


def test_kinds_are_beginnings_and_chambers():
    assert "neutrino-sp" in fast_simulation.KINDS
    for kind in fast_simulation.KINDS:
        fast_simulation.parts_of(kind)
    for wrong in ("neutrino", "neutrino-xx", "tau-sp", ""):
        with pytest.raises(QcompressError, match="is not known; simulate one of neutrino, mix, muon"):
            fast_simulation.parts_of(wrong)
