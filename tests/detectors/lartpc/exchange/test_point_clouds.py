"""Clouds of points as truth: classes, particles, charge and places on the wires; what contradicts itself."""

import math

import h5py
import numpy as np
import pytest

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.exchange import point_clouds
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.errors import QcompressError
from qcompress.progress import silent

HD = PRESETS["dune-hd"]


def rows(count, x, y, z, energy):
    """Points of a line along z: x, y, z, energy, and four numbers that nobody reads."""
    found = np.full((count, 8), 9.0)
    found[:, 0], found[:, 1], found[:, 2], found[:, 3] = x, y, z + np.arange(count), energy
    return found


LINES = (rows(3, 10, 10, 10, 0.1), rows(300, 384, 384, 200, 0.6), rows(40, 300, 500, 100, 0.7))
CLUSTERS = [(3, -1, -1, -1, 4, -1), (300, 5, 5, 0, 1, 2), (40, 6, 6, 0, 0, 1)]
EXTRA = [(-1.0, -1.0, 0, 0, 0), (105.658, 0.4, 0, 0, 0), (0.511, 0.1, 0, 0, 0)]


def made(path, points, clusters, extra=None):
    """A file of clouds; of each event rows of points, rows of clusters."""
    with h5py.File(path, "w") as file:
        for name, kind, entries in (
            ("point", "f4", points),
            ("cluster", "f8", clusters),
            ("cluster_extra", "f4", extra),
        ):
            if entries is not None:
                column = file.create_dataset(name, (len(entries),), h5py.vlen_dtype(np.dtype(kind)))
                for number, entry in enumerate(entries):
                    column[number] = np.asarray(entry, kind).ravel()
    return path


def imported(source, target, **other):
    given = {"preset": HD, "voxel_mm": 3.0, "most": 100, "report": silent} | other
    return point_clouds.import_clouds(source, target, **given)


def test_a_track_and_a_shower_are_seen_on_the_wires(tmp_path):
    points = np.concatenate(LINES)
    source = made(tmp_path / "c.h5", [points, points[:3]], [CLUSTERS, CLUSTERS[:1]], [EXTRA, EXTRA[:1]])
    said = imported(source, tmp_path / "a.h5")
    assert said.startswith("2 of 2 events in")
    assert "0 of 346 points lie outside of dune-hd" in said
    with samples.Handle(tmp_path / "a.h5") as found:
        pixels, hits = found.columns("pixels", 0), found.columns("hits", 0)
        particles = found.columns("particles", 0)
        assert found.planes == ()
    w = hits["plane"] == 2
    track = hits["wire"][w & (hits["kind"] == samples.TRACK)]
    z = [(place + 0.5) * 0.3 + (480 * 0.479 - 768 * 0.3) / 2 for place in (200, 499)]
    assert abs(track.min() - z[0] / 0.479) < 2
    assert abs(track.max() - z[1] / 0.479) < 2
    tick = (4608 - 3600 / 1.6 / 0.512) / 2 + (384.5 * 0.3 + (360 - 230.4) / 2) / 0.16 / 0.512
    assert abs(np.average(hits["tick"][w & (hits["kind"] == samples.TRACK)]) - tick) < 2
    assert set(hits["kind"][w]) <= {samples.TRACK, samples.SHOWER, samples.NOTHING}
    expected = 0.0
    for line in LINES[1:]:
        b = 0.212 * (line[0, 3] / 0.3) / (1.396 * 0.5)
        drift = ((line[0, 0] + 0.5) * 0.3 + (360 - 230.4) / 2) / 0.16
        expected += line[:, 3].sum() * 1e6 / 23.6 * math.log(0.93 + b) / b * math.exp(-drift / 10_400)
    own = (pixels["plane"] == 2) & (samples.MERGED[pixels["kind"]] != samples.NOTHING)
    assert pixels["charge"][own].sum() == pytest.approx(expected, rel=0.01)  # pixels below 50 electrons are left out
    assert particles["particle"].tolist() == [5, 6]
    assert particles["pdg"].tolist() == [13, 11]
    assert particles["kind"].tolist() == [samples.TRACK, samples.SHOWER]
    assert particles["energy"][0] == pytest.approx(math.hypot(105.658, 400) - 105.658, rel=1e-5)
    assert set(hits["particle"][w & (hits["kind"] == samples.TRACK)]) == {5}


def test_the_first_revision_has_no_particles_codes(tmp_path):
    source = made(tmp_path / "c.h5", [LINES[1]], [[(300, 5, 5, 0, 1)]])
    imported(source, tmp_path / "a.h5", most=1)
    with samples.Handle(tmp_path / "a.h5") as found:
        assert found.columns("particles", 0)["pdg"].tolist() == [0]
        assert set(found.columns("hits", 0)["kind"]) == {samples.TRACK}


def test_points_outside_of_the_chamber_are_counted(tmp_path):
    source = made(tmp_path / "c.h5", [rows(10, 0, 384, 384, 1.0)], [[(10, 5, 5, 0, 1)]])
    assert "10 of 10 points lie outside of dune-hd" in imported(source, tmp_path / "a.h5", voxel_mm=6.0)


@pytest.mark.parametrize(("points", "clusters", "extra", "said"), [
    (LINES[1].ravel()[:-1], CLUSTERS[1:2], None, "event 0: 2399 numbers of points and 6 of clusters: no rows of 8, 5"),
    (LINES[1], [(299, 5, 5, 0, 1, 2)], EXTRA[1:2], "event 0: clusters of 299 points, but there are 300"),
    (LINES[1], [(300, 5, 5, 0, 7, 2)], EXTRA[1:2], "event 0: class 7, not 0 to 4"),
    (rows(3, 768, 0, 0, 1.0), [(3, 5, 5, 0, 1)], None, "event 0: a point lies outside of the 768 voxels"),
    (rows(3, 9, 0, 0, -1.0), [(3, 5, 5, 0, 1)], None, "event 0: the energy of point 0 is -1.0 MeV"),
    (rows(3, 9, 0, 0, np.nan), [(3, 5, 5, 0, 1)], None, "event 0: the energy of point 0 is nan MeV"),
    (LINES[1], [(300, 5, 5, 0, 1, 9)], EXTRA[1:2], "event 0: particle 9, not 0 to 4, nor -1 or 5 for another"),
    (LINES[1], [(300, 5, 5, 0, 0.7, 2)], EXTRA[1:2], "event 0: clusters of whole numbers, not 0.7"),
    (LINES[1], [(300, 5, 5, 0, 1, 2)], [(1.0,)], "event 0: 1 numbers of cluster_extra: no rows of mass and momentum"),
    (LINES[1], [(300, 5, 5, 0, 1, 2)], [(1.0, np.inf)], "event 0: a mass or a momentum in cluster_extra is no finite"),
])  # fmt: skip
def test_what_contradicts_itself_is_one_line(points, clusters, extra, said, tmp_path):
    source = made(tmp_path / "c.h5", [points], [clusters], None if extra is None else [extra])
    with pytest.raises(QcompressError, match=rf"c\.h5, {said}"):
        imported(source, tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


def test_files_that_are_none_are_refused(tmp_path):
    (tmp_path / "text.h5").write_text("1")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["point"] = np.zeros(3)
    with h5py.File(tmp_path / "flat.h5", "w") as file:
        file["point"], file["cluster"] = np.zeros(3), np.zeros(3)
    for name, said in (
        ("text.h5", "no HDF5 file"),
        ("other.h5", "has no datasets point and cluster"),
        ("flat.h5", "not a readable file of clouds"),
    ):
        with pytest.raises(QcompressError, match=rf"{name}: {said}"):
            imported(tmp_path / name, tmp_path / "a.h5")
