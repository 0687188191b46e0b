"""Energies of hits: what was deposited, seen alike by every plane, and in proportion to the charge that is left."""

import shutil

import h5py
import numpy as np
import pytest

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.simulation import fast_simulation
from qcompress.detectors.lartpc.simulation.energies import hit_energies
from qcompress.detectors.lartpc.simulation.parameters import PARAMETERS
from qcompress.detectors.lartpc.simulation.recombination import box
from qcompress.detectors.lartpc.simulation.volume import volume_of
from qcompress.errors import QcompressError


@pytest.fixture(scope="module")
def muon(tmp_path_factory):
    path = tmp_path_factory.mktemp("energies") / "muon.h5"
    fast_simulation.simulate("muon-sp-hits", 1, 5, path)
    return path


def test_every_plane_sees_the_energy_that_was_deposited(muon):
    deposits = fast_simulation.begin("muon-sp-hits", 5, 0).deposits
    with samples.Handle(muon) as sample:
        bounds = volume_of(sample.preset).bounds(0.0)
        inside = ((deposits[:, :3] >= bounds[:, 0]) & (deposits[:, :3] < bounds[:, 1])).all(axis=1)
        followed = deposits[inside & (deposits[:, 7] >= 0), 4].sum()
        seen = []
        for number, plane in enumerate(sample.preset.planes):
            hits, energy = sample.columns("hits", 0), hit_energies(sample, 0, plane)
            own = hits["plane"] == number
            seen.append(energy[hits["particle"][own] != samples.NO_PARTICLE].sum())
            left = hits["charge"][own] / (energy * PARAMETERS.electrons_per_mev)
            most = max(box(loss, sample.preset.field_kv_cm) for loss in np.linspace(1, 3, 50))
            drift = sample.preset.drift_mm / sample.preset.drift_velocity_mm_us / 1000  # ms
            assert left.max() <= most * 1.001
            usual = np.median(left[hits["charge"][own] > 20_000])
            assert 0.6 * np.exp(-drift / sample.preset.lifetime_ms) < usual < most
    assert seen == pytest.approx([followed] * 3, rel=0.02)


def test_samples_of_something_else_are_refused(muon, tmp_path):
    other = tmp_path / "other.h5"
    shutil.copy(muon, other)
    with h5py.File(other, "r+") as file:
        name = next(name for name, value in file.attrs.items() if PARAMETERS.digest() in str(value))
        file.attrs[name] = file.attrs[name].replace(PARAMETERS.digest(), "0" * 64)
    with samples.Handle(other) as sample, pytest.raises(QcompressError, match="only in samples of qcompress simulate"):
        hit_energies(sample, 0, sample.preset.planes[2])
