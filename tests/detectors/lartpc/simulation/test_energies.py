"""Energies of hits: what was deposited, seen alike by every plane, and in proportion to the charge that is left."""

import shutil

import h5py
import numpy as np
import pytest

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.detectors.lartpc.simulation import fast_simulation
from qcompress.detectors.lartpc.simulation.energies import hit_energies
from qcompress.detectors.lartpc.simulation.parameters import PARAMETERS
from qcompress.detectors.lartpc.simulation.recombination import box
from qcompress.detectors.lartpc.simulation.volume import volume_of
from qcompress.errors import QcompressError

KIND, SEED, NUMBERS = "muon-sp-hits", 5, (1, 2, 4)
"""Events 0 and 3 are taken out: no event has its number at its place."""


@pytest.fixture(scope="module")
def muons(tmp_path_factory):
    path = tmp_path_factory.mktemp("energies") / "muons.h5"
    with samples.writing(path, PRESETS["protodune-sp"], fast_simulation.origin(KIND, SEED), False) as writer:
        for number in NUMBERS:
            event = fast_simulation.simulate_event(KIND, SEED, number)
            writer.append(event, samples.pack(event.waveforms))
    return path


@pytest.mark.parametrize("place", range(len(NUMBERS)))
def test_every_plane_sees_the_energy_that_was_deposited(muons, place):
    deposits = fast_simulation.begin(KIND, SEED, NUMBERS[place]).deposits
    with samples.Handle(muons) as sample:
        bounds = volume_of(sample.preset).bounds(0.0)
        inside = ((deposits[:, :3] >= bounds[:, 0]) & (deposits[:, :3] < bounds[:, 1])).all(axis=1)
        followed = deposits[inside & (deposits[:, 7] >= 0), 4].sum()
        seen = []
        for number, plane in enumerate(sample.preset.planes):
            hits, energy = sample.columns("hits", place), hit_energies(sample, place, plane)
            own = hits["plane"] == number
            seen.append(energy[hits["particle"][own] != samples.NO_PARTICLE].sum())
            left = hits["charge"][own] / (energy * PARAMETERS.electrons_per_mev)
            most = max(box(loss, sample.preset.field_kv_cm) for loss in np.linspace(1, 3, 50))
            drift = sample.preset.drift_mm / sample.preset.drift_velocity_mm_us / 1000  # ms
            assert left.max() <= most * 1.001
            usual = np.median(left[hits["charge"][own] > 20_000])
            assert 0.6 * np.exp(-drift / sample.preset.lifetime_ms) < usual < most
    assert seen == pytest.approx([followed] * 3, rel=0.02)


def refused(path, place, said):
    with samples.Handle(path) as sample, pytest.raises(QcompressError, match=said):
        hit_energies(sample, place, sample.preset.planes[2])


def test_samples_of_something_else_are_refused(muons, tmp_path):
    other = tmp_path / "other.h5"
    shutil.copy(muons, other)
    with h5py.File(other, "r+") as file:
        name = next(name for name, value in file.attrs.items() if PARAMETERS.digest() in str(value))
        file.attrs[name] = file.attrs[name].replace(PARAMETERS.digest(), "0" * 64)
    refused(other, 0, "only in samples of qcompress simulate")


def test_hits_that_do_not_come_out_again_to_the_bit_are_refused(muons, tmp_path):
    """A sample of another version with the same numbers, events that were numbered anew."""
    other = tmp_path / "other.h5"
    shutil.copy(muons, other)
    with h5py.File(other, "r+") as file:
        of_second = np.flatnonzero((file["hits/event"][:] == NUMBERS[1]) & (file["hits/plane"][:] == 2))
        charge = file["hits/charge"]
        charge[of_second[3]] = np.nextafter(charge[of_second[3]], np.float32(np.inf))
    refused(other, 1, r"other\.h5: event 2, plane W: its hits are not those of this simulation; simulate")
    with samples.Handle(other) as sample:
        assert len(hit_energies(sample, 2, sample.preset.planes[2]))
