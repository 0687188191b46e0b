"""Clouds of points of PILArNet and PILArNet-M as truth: projected on the wires of a chamber.

An HDF5 file with an entry for each event, of flat arrays of any length, in

* `point`: rows of 8, of which the first four are x, y, z [voxels, 0 to 767] and the deposited energy [MeV];
* `cluster`: rows of 6: points of the cluster, its number, that of its particle, of its interaction, class, particle
  (0 to 4: photon, electron, muon, pion, proton; -1 and 5 become PDG code 0); in the first revision rows of 5, without
  the particle. Points follow each other cluster by cluster. Classes: 0 shower, 1 track, 2 Michel, 3 delta ray,
  4 deposit of little energy;
* `cluster_extra`, where there is one: rows whose first two are mass [MeV] and momentum [GeV].

Source: dataset card of DeepLearnPhysics/PILArNet-M (rows of its preview), arXiv:2006.01993, its readers in pimm.
The edge of a voxel is not in the file. What follows here is ours: axes x, y, z are drift, height and length, the cube
lies in the middle of the chamber's volume, losses are the energy over a voxel's edge, deposits of little energy are
nothing, as hits that are no reconstructable particle's are.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hdf5 import HEADER_BYTES
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.presets import Preset
from qcompress.detectors.lartpc.simulation.hits import hits_of
from qcompress.detectors.lartpc.simulation.volume import Volume, volume_of
from qcompress.detectors.splits import split_events
from qcompress.errors import QcompressError
from qcompress.hdf5_heaps import check_heaps
from qcompress.progress import Report

SIDE = 768
"""Voxels of the cube."""
POINT, CLUSTER, FIRST_CLUSTER = 8, 6, 5
KINDS = np.array([samples.SHOWER, samples.TRACK, samples.MICHEL, samples.DELTA, samples.NOTHING])
PDG = np.array([22, 11, 13, 211, 2212, 0])
SPLIT_SEED = 1
Floats = npt.NDArray[np.float64]


class Cloud(NamedTuple):
    """Points of an event: x, y, z [voxels] and energy [MeV] (n, 4); of each its class and its particle's number (n,).

    particles: rows of number, PDG code, class, kinetic energy [MeV].
    """

    points: Floats
    kind: npt.NDArray[np.int64]
    particle: npt.NDArray[np.int64]
    particles: Floats


def cloud(point: npt.NDArray[Any], cluster: npt.NDArray[Any], extra: npt.NDArray[Any] | None) -> Cloud:
    """The event that flat arrays describe; extra: None in the first revision.

    Raises QcompressError for lengths that contradict each other, and for what is no place, energy, class or particle.
    """
    width = CLUSTER if extra is not None else FIRST_CLUSTER
    if len(point) % POINT or len(cluster) % width:
        raise QcompressError(
            f"{len(point)} numbers of points and {len(cluster)} of clusters: no rows of {POINT}, {width}"
        )
    points, given = np.asarray(point, np.float64).reshape(-1, POINT)[:, :4], np.asarray(cluster, np.float64)
    if (broken := given != np.trunc(given)).any() or not np.isfinite(given).all():
        raise QcompressError(f"clusters of whole numbers, not {given[broken | ~np.isfinite(given)][0]}")
    rows = np.asarray(cluster).astype(np.int64).reshape(-1, width)
    count, group, kind = rows[:, 0], rows[:, 2], rows[:, 4]
    pid = rows[:, 5] if width == CLUSTER else np.full(len(rows), -1)
    if (count < 0).any() or count.sum() != len(points):
        raise QcompressError(f"clusters of {count.sum()} points, but there are {len(points)}")
    if ((kind < 0) | (kind >= len(KINDS))).any():
        raise QcompressError(f"class {kind[(kind < 0) | (kind >= len(KINDS))][0]}, not 0 to {len(KINDS) - 1}")
    if (other := (pid < -1) | (pid >= len(PDG))).any():
        raise QcompressError(f"particle {pid[other][0]}, not 0 to {len(PDG) - 2}, nor -1 or {len(PDG) - 1} for another")
    if not ((points[:, :3] >= 0) & (points[:, :3] < SIDE)).all():
        raise QcompressError(f"a point lies outside of the {SIDE} voxels")
    if (odd := ~(np.isfinite(points[:, 3]) & (points[:, 3] >= 0))).any():
        raise QcompressError(f"the energy of point {odd.argmax()} is {points[odd.argmax(), 3]} MeV")
    own = (group >= 0) & (group < samples.NO_PARTICLE)
    _, first = np.unique(group[own], return_index=True)
    chosen = np.flatnonzero(own)[first]
    energy = np.zeros(len(rows))
    if extra is not None and len(rows):
        if len(extra) % len(rows) or len(extra) < 2 * len(rows):
            raise QcompressError(f"{len(extra)} numbers of cluster_extra: no rows of mass and momentum of {len(rows)}")
        mass, momentum = np.asarray(extra, np.float64).reshape(len(rows), -1)[:, :2].T
        if not (np.isfinite(mass) & np.isfinite(momentum)).all():
            raise QcompressError("a mass or a momentum in cluster_extra is no finite number")
        energy = np.hypot(mass, 1000 * momentum) - mass
    table = (group[chosen], PDG[np.clip(pid[chosen], -1, len(PDG) - 1)], KINDS[kind[chosen]], energy[chosen])
    number = np.where(own, group, -1)
    return Cloud(points, np.repeat(KINDS[kind], count), np.repeat(number, count), np.stack(table, axis=1).astype(float))


def deposits(found: Cloud, volume: Volume, voxel_cm: float) -> Floats:
    """Deposits (n, 8), rows as in `cascades`, of a cloud whose cube is in the middle of the `volume`."""
    rows = np.empty((len(found.points), 8))
    extent = np.array([volume.drift, volume.height, volume.length])
    rows[:, :3] = (found.points[:, :3] + 0.5) * voxel_cm + (extent - SIDE * voxel_cm) / 2
    rows[:, 3], rows[:, 4] = 0, found.points[:, 3]
    rows[:, 5], rows[:, 6], rows[:, 7] = found.points[:, 3] / voxel_cm, found.kind, found.particle
    return rows


def import_clouds(source: Path, target: Path, preset: Preset, voxel_mm: float, most: int, report: Report) -> str:
    """Write a sample of truth alone, `target`, of the clouds in the file `source`; returns a line of counts.

    preset: whose wires; voxel_mm: edge of a voxel; most: events at most. Raises QcompressError naming file and event.
    """
    import h5py

    if not source.is_file() or not h5py.is_hdf5(source):
        raise QcompressError(f"{source}: no HDF5 file")
    check_heaps(source, HEADER_BYTES)
    volume, lost, seen = volume_of(preset), 0, 0
    told = {"clouds": source.name, "voxel_mm": voxel_mm}
    try:
        with h5py.File(source) as file:
            given = [file.get(name) for name in ("point", "cluster", "cluster_extra")]
            count = _events(source, given)
            with samples.writing(target, preset, told, waveforms=False) as writer:
                for number in range(min(count, most)):
                    found = _named(source, number, *(None if one is None else one[number] for one in given))
                    rows = deposits(found, volume, voxel_mm / 10)
                    inside = ((rows[:, :3] >= 0) & (rows[:, :3] < volume.bounds(0.0)[:, 1])).all(axis=1)
                    lost, seen = lost + int((~inside).sum()), seen + len(rows)
                    writer.append(_event(number, found, rows, preset, volume))
                    report(number + 1, min(count, most), "events")
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as fault:
        said = " ".join(str(fault).split())[:200]
        raise QcompressError(f"{source}: not a readable file of clouds ({type(fault).__name__}: {said})") from None
    return f"{min(count, most)} of {count} events in {target}; {lost} of {seen} points lie outside of {preset.name}"


def _events(source: Path, given: list[Any]) -> int:
    """How many events the datasets have."""
    if given[0] is None or given[1] is None:
        raise QcompressError(f"{source}: has no datasets point and cluster")
    lengths = {len(one) for one in given if one is not None}
    if len(lengths) != 1 or not min(lengths):
        raise QcompressError(f"{source}: datasets of {', '.join(map(str, sorted(lengths)))} events")
    return int(lengths.pop())


def _named(source: Path, number: int, point: Any, cluster: Any, extra: Any) -> Cloud:
    try:
        return cloud(point, cluster, extra)
    except QcompressError as fault:
        raise QcompressError(f"{source}, event {number}: {fault}") from None


def _event(number: int, found: Cloud, rows: Floats, preset: Preset, volume: Volume) -> samples.Event:
    """The event as a sample has it: pixels and hits of all planes."""
    from qcompress.detectors.lartpc.simulation.transport import electrons_arriving, on_plane

    arrived = electrons_arriving(rows, preset, volume)
    pixels: list[dict[str, Any]] = []
    hits: list[dict[str, Any]] = []
    for place, plane in enumerate(preset.planes):
        truth = on_plane(arrived, preset, volume, plane)[1]
        for part, columns in ((pixels, truth), (hits, hits_of(truth))):
            part.append({"plane": np.full(len(columns.wire), place), **columns._asdict()})
    parts = [{name: np.concatenate([one[name] for one in part]) for name in part[0]} for part in (pixels, hits)]
    split = int(split_events(np.array([number]), SPLIT_SEED)[0])
    tables = [_particles(found), *parts]
    numbered = [{"event": np.full(len(next(iter(table.values()))), number), **table} for table in tables]
    nowhere = (float("nan"),) * 3
    return samples.Event(number, split, 1, nowhere, numbered[0], numbered[1], numbered[2], {})


def _particles(found: Cloud) -> dict[str, npt.NDArray[Any]]:
    """Columns of particles; where they were born the file does not say in our axes."""
    number, pdg, kind, energy = found.particles.T
    unknown = np.full(len(number), np.nan)
    places = dict.fromkeys(("x", "y", "z", "time", "dx", "dy", "dz"), unknown)
    return {
        "particle": number,
        "parent": np.full(len(number), -1),
        "pdg": pdg,
        "kind": kind,
        "energy": energy,
        **places,
    }
