"""The energy that was deposited in true hits: the particles of an event followed once more, by its seed and number."""

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.presets import Plane
from qcompress.detectors.lartpc.simulation import fast_simulation
from qcompress.detectors.lartpc.simulation.hits import hits_of
from qcompress.detectors.lartpc.simulation.parameters import PARAMETERS
from qcompress.detectors.lartpc.simulation.volume import volume_of
from qcompress.errors import QcompressError

FOLLOWED = ("wire", "start", "end", "charge")
"""Columns of hits that have to come out again."""


def hit_energies(sample: samples.Handle, place: int, plane: Plane) -> npt.NDArray[np.float64]:
    """Energies [MeV] (n,) in the hits of a `plane` of the event at a place, in their order.

    Of each deposit the share that drifts into the hit's ticks on its wire, before recombination and attachment. Raises
    QcompressError for a sample that this simulation, with these numbers, has not made: charges of hits, followed once
    more as well, have to be those of the sample, to the bit.
    """
    from qcompress.detectors.lartpc.simulation.transport import electrons_arriving, energy_arriving, on_plane

    kind, seed = origin_of(sample)
    preset, volume = sample.preset, volume_of(sample.preset)
    begun = fast_simulation.begin(kind, seed, int(sample.events["event"][place]))
    hits = sample.columns("hits", place)
    own = hits["plane"] == preset.planes.index(plane)
    arrived = electrons_arriving(begun.deposits, preset, volume)
    again = hits_of(on_plane(arrived, preset, volume, plane)[1])
    if not all(np.array_equal(getattr(again, name), hits[name][own]) for name in FOLLOWED):
        raise QcompressError(
            f"{sample.path}: event {sample.events['event'][place]}, plane {plane.name}: its hits are not those of this "
            "simulation; simulate the sample once more, on this machine"
        )
    energy = energy_arriving(arrived, begun.deposits, volume)
    sums = on_plane(energy, preset, volume, plane)[0].cumsum(axis=1, dtype=np.float64)
    sums = np.concatenate([np.zeros((len(sums), 1)), sums], axis=1)
    wire, start, end = (hits[name][own].astype(np.int64) for name in ("wire", "start", "end"))
    return np.asarray(sums[wire, end] - sums[wire, start], np.float64)


def origin_of(sample: samples.Handle) -> tuple[str, int]:
    """Kind and seed of a sample; raises QcompressError for one not of this simulation with these numbers."""
    kind, seed, made = (sample.origin.get(name) for name in ("kind", "seed", "parameters_hash"))
    if not isinstance(kind, str) or not isinstance(seed, int) or made != PARAMETERS.digest():
        raise QcompressError(
            f"{sample.path}: energies of hits are followed once more: only in samples of qcompress simulate lartpc, "
            "of this version"
        )
    return kind, seed
